# SPDX-License-Identifier: BSD-3-Clause
"""From measurements to figures, a table, and whether the aims are met."""

import operator
from statistics import mean, median

from systems import NAMES

INSTRUCTION_NS = 1  # the machines' clock counts instructions

# Key, relation, aim.
AIMS = (("flip_over_floor", "<=", 1.02), ("flip_el2_instructions", "<=", 2500), ("reboot_over_flip", ">=", 50),
        ("run_ratio_cpu", ">=", 0.99), ("run_ratio_disk", ">=", 0.99),
        ("boot_encrypted_ratio", "<=", 1.15), ("gcm_ratio_openssl", ">=", 0.9), ("argon2_ratio", ">=", 0.95),
        ("usim_auth_ratio_libosmocore", ">=", 1))
RELATIONS = {"<=": operator.le, ">=": operator.ge}


def mean_of_medians(times, part=lambda time: time):
    """The mean, over both personas, of the median."""
    return mean(median(part(time) for time in rows) for rows in times.values())


def spread(key, values):
    """Their median by this key, and the least and the most of them beside it."""
    return {key: round(median(values)), f"{key}_least": round(min(values)), f"{key}_most": round(max(values))}


class Results(dict):
    """What the measurements gave, by name."""

    class Missing(Exception):
        """A measurement failed that a figure is made of."""

    def __missing__(self, name):
        raise self.Missing(name)


def flip_figures(results):
    """A flip, its parts, and what it is compared with."""
    steps = results["steps_1"]
    before, after = median(step.before_log for step in steps), median(step.after_log for step in steps)
    flip = mean_of_medians(results["flip"], lambda time: time.whole)
    floor = mean_of_medians(results["floor"], lambda time: time.whole)
    return {
        "flip_rounds": min(len(rows) for rows in results["flip"].values()),
        "flip_ns": round(flip),
        # The log's stamps are taken within EL2; what it does before the first and after the last is moved to it.
        "flip_suspend_ns": round(mean_of_medians(results["flip"], lambda time: time.suspend) - before * INSTRUCTION_NS),
        "flip_el2_ns": round(instructions(results, "steps_1") * INSTRUCTION_NS),
        "flip_resume_ns": round(mean_of_medians(results["flip"], lambda time: time.resume) - after * INSTRUCTION_NS),
        "floor_ns": round(floor),
        "flip_over_floor": round(flip / floor, 5),
    }


def instructions(results, steps):
    """The switcher's in a flip."""
    return median(step.whole for step in results[steps])


def instruction_figures(results):
    return {"flip_el2_instructions": round(instructions(results, "steps_1"))}


def instruction_figures_2_cpus(results):
    return {"flip_el2_instructions_2_cpus": round(instructions(results, "steps_2"))}


def smmu_figures(results):
    return {"smmu_flip_instructions": round(instructions(results, "steps_1") - instructions(results, "steps_unconfined"))}


def agent_figures(results):
    """From the key to the other system's programs."""
    return {"agent_flip_ns": round(median(results["keys"]["agent"])),
            "agentless_flip_ns": round(median(results["keys"]["agentless"]))}


def reboot_figures(results):
    reboot = mean_of_medians({name: results[f"reboot_{name}"] for name in NAMES})
    flip = mean_of_medians(results["flip"], lambda time: time.whole)
    return {"reboot_ns": round(reboot), "reboot_over_flip": round(reboot / flip, 2)}


def kexec_figures(results):
    return {"kexec_ns": round(mean_of_medians(results["kexec"]))}


def run_figures(results):
    """What the switcher costs while nothing flips."""
    return {f"run_ratio_{kind}": round(median(results["work_alone"][kind]) / median(results["work"][kind]), 5)
            for kind in results["work"]}


def persona_figures(results):
    """What is measured in a persona beside its work."""
    return {"channel_round_trip_instructions": round(median(results["channel"])),
            "decrypt_instructions_per_byte": round(median(results["decryption"]["extensions"]), 2),
            "decrypt_instructions_per_byte_without_extensions": round(median(results["decryption"]["plain"]), 2)}


def boot_figures(results):
    boot = results["boot"]
    return {"boot_ns": round(boot["plain"]), "boot_encrypted_ns": round(boot["encrypted"]),
            "boot_encrypted_ratio": round(boot["encrypted"] / boot["plain"], 4)}


def host_figures(results):
    """Encryption, PINs and the USIM on the host."""
    crypto, usim = results["crypto"], results["usim"]
    return {"gcm_bytes_per_s": round(crypto["gcm_bytes"] / crypto["gcm_ns"] * 1e9),
            "gcm_ratio_openssl": round(crypto["gcm_openssl_ns"] / crypto["gcm_ns"], 3),
            "argon2_ratio": round(crypto["argon2_library_ns"] / crypto["argon2_ns"], 3),
            "usim_auth_per_s": round(usim["authentications"] / usim["usim_ns"] * 1e9),
            "usim_auth_ratio_libosmocore": round(usim["libosmocore_ns"] / usim["usim_ns"], 3)}


def usim_figures(results):
    card = results["usim_card"]
    return {**spread("usim_auth_instructions", card["authentication"]),
            **spread("usim_apdu_round_trip_instructions", card["round_trip"])}


GROUPS = (flip_figures, instruction_figures, instruction_figures_2_cpus, smmu_figures, agent_figures, reboot_figures,
          kexec_figures, run_figures, persona_figures, boot_figures, host_figures, usim_figures)


def figures(results, rounds):
    """The figures by their JSON keys; without those whose measurement failed."""
    values = {"rounds": rounds}
    for group in GROUPS:
        try:
            values |= group(results)
        except Results.Missing:
            continue
    return values


TIMES = (("flip", "flip_ns", "from one system's user space to the other's"),
         ("  suspend", "flip_suspend_ns", "the one system's part"),
         ("  EL2", "flip_el2_ns", "the switcher's part"),
         ("  resume", "flip_resume_ns", "the other system's part"),
         ("floor", "floor_ns", "the same system suspends and resumes, sleep left out"),
         ("reboot", "reboot_ns", "through firmware and loader into the other system, no boot delay, no picker"),
         ("kexec", "kexec_ns", "into the other system's kernel, loaded before"),
         ("power-on", "boot_ns", "from power-on to the first system's entry, no boot delay, no picker"),
         ("  encrypted", "boot_encrypted_ns", "the same with both systems encrypted and signed"),
         ("key, agent", "agent_flip_ns", "from the key to the other system's programs, in Debian"),
         ("key, logind", "agentless_flip_ns", "the same with the agent stopped"))
COUNTS = (("  the same, 2 CPUs", "flip_el2_instructions_2_cpus", ""),
          ("  of these for the SMMU", "smmu_flip_instructions", ""),
          ("channel, there and back", "channel_round_trip_instructions", " instructions"),
          ("USIM, there and back", "usim_apdu_round_trip_instructions",
           " instructions, {usim_apdu_round_trip_instructions_least} to {usim_apdu_round_trip_instructions_most}"),
          ("  AUTHENTICATE on it", "usim_auth_instructions",
           " instructions, {usim_auth_instructions_least} to {usim_auth_instructions_most}"),
          ("decryption, a byte", "decrypt_instructions_per_byte",
           " instructions, {decrypt_instructions_per_byte_without_extensions} without the CPU's own for it"))
NOT_MEASURED = "not measured"


def time_line(values, name, key, text):
    time = f"{values[key] / 1e6:12.4f} ms" if key in values else f"{NOT_MEASURED:>15}"
    return f"{name:<12}{time}   {text}"


def aim_line(values, key, relation, aim):
    if key not in values:
        return f"{key:<28}{NOT_MEASURED:>12}   aim {relation} {aim}"
    met = "met" if RELATIONS[relation](values[key], aim) else "NOT MET"
    return f"{key:<28}{values[key]:>12}   aim {relation} {aim}: {met}"


def count_line(values, name, key, text):
    return f"{name:<28}{values[key]:>12}{text.format(**values)}" if key in values else f"{name:<28}{NOT_MEASURED:>12}"


def persona_line(results, name):
    flip, floor = (median(time.whole for time in results[kind][name]) for kind in ("flip", "floor"))
    return f"  {name}: left in a flip {flip / 1e6:.4f} ms, floor {floor / 1e6:.4f} ms"


def table(values, results):
    """The figures for a reader."""
    lines = ["", "One CPU, virtual time: one instruction is one nanosecond. Mean over both systems of each one's median.", ""]
    lines += [time_line(values, *row) for row in TIMES]
    if "flip_ns" in values:
        lines += [persona_line(results, name) for name in NAMES]
    lines.append("")
    lines += [aim_line(values, *row) for row in AIMS]
    lines += [count_line(values, *row) for row in COUNTS]
    flips = f", {values['flip_rounds']} flips each way" if "flip_rounds" in values else ""
    lines.append(f"{values['rounds']} rounds of everything{flips}")
    return "\n".join(lines)


def profile(results):
    """The switcher's instructions in one flip, by function."""
    steps = results["steps_1"][0]
    lines = ["", f"{steps.whole} instructions at EL2"]
    return "\n".join(lines + [f"{count:6} {name}" for name, count in steps.functions.most_common()])
