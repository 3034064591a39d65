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


def figures(results, rounds):
    """The figures by their JSON keys."""
    steps = results["steps_1"]
    el2 = median(step.whole for step in steps)
    before, after = median(step.before_log for step in steps), median(step.after_log for step in steps)
    flip = mean_of_medians(results["flip"], lambda time: time.whole)
    floor = mean_of_medians(results["floor"], lambda time: time.whole)
    reboot = mean_of_medians({name: results[f"reboot_{name}"] for name in NAMES})
    ratio = {kind: median(results["work_alone"][kind]) / median(results["work"][kind]) for kind in results["work"]}
    return {
        "rounds": rounds,
        "flip_rounds": min(len(rows) for rows in results["flip"].values()),
        "flip_ns": round(flip),
        # The log's stamps are taken within EL2; what it does before the first and after the last is moved to it.
        "flip_suspend_ns": round(mean_of_medians(results["flip"], lambda time: time.suspend) - before * INSTRUCTION_NS),
        "flip_el2_ns": round(el2 * INSTRUCTION_NS),
        "flip_resume_ns": round(mean_of_medians(results["flip"], lambda time: time.resume) - after * INSTRUCTION_NS),
        "flip_el2_instructions": round(el2),
        "flip_el2_instructions_2_cpus": round(median(step.whole for step in results["steps_2"])),
        "smmu_flip_instructions": round(el2 - median(step.whole for step in results["steps_unconfined"])),
        "channel_round_trip_instructions": round(median(results["channel"])),
        "agent_flip_ns": round(median(results["keys"]["agent"])),
        "agentless_flip_ns": round(median(results["keys"]["agentless"])),
        "floor_ns": round(floor),
        "reboot_ns": round(reboot),
        "kexec_ns": round(mean_of_medians(results["kexec"])),
        "flip_over_floor": round(flip / floor, 5),
        "reboot_over_flip": round(reboot / flip, 2),
        "run_ratio_cpu": round(ratio["cpu"], 5),
        "run_ratio_disk": round(ratio["disk"], 5),
        "boot_ns": round(results["boot"]["plain"]),
        "boot_encrypted_ns": round(results["boot"]["encrypted"]),
        "boot_encrypted_ratio": round(results["boot"]["encrypted"] / results["boot"]["plain"], 4),
        "decrypt_instructions_per_byte": round(median(results["decryption"]["extensions"]), 2),
        "decrypt_instructions_per_byte_without_extensions": round(median(results["decryption"]["plain"]), 2),
        "gcm_bytes_per_s": round(results["crypto"]["gcm_bytes"] / results["crypto"]["gcm_ns"] * 1e9),
        "gcm_ratio_openssl": round(results["crypto"]["gcm_openssl_ns"] / results["crypto"]["gcm_ns"], 3),
        "argon2_ratio": round(results["crypto"]["argon2_library_ns"] / results["crypto"]["argon2_ns"], 3),
        **spread("usim_auth_instructions", results["usim_card"]["authentication"]),
        **spread("usim_apdu_round_trip_instructions", results["usim_card"]["round_trip"]),
        "usim_auth_per_s": round(results["usim"]["authentications"] / results["usim"]["usim_ns"] * 1e9),
        "usim_auth_ratio_libosmocore": round(results["usim"]["libosmocore_ns"] / results["usim"]["usim_ns"], 3),
    }


def milliseconds(ns):
    return f"{ns / 1e6:12.4f} ms"


def table(values, results):
    """The figures for a reader."""
    lines = ["", "One CPU, virtual time: one instruction is one nanosecond. Mean over both systems of each one's median.", ""]
    rows = (("flip", "flip_ns", "from one system's user space to the other's"),
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
    lines += [f"{name:<12}{milliseconds(values[key])}   {text}" for name, key, text in rows]
    for name in NAMES:
        flip, floor = (median(time.whole for time in results[kind][name]) for kind in ("flip", "floor"))
        lines.append(f"  {name}: left in a flip {milliseconds(flip).strip()}, floor {milliseconds(floor).strip()}")
    lines.append("")
    for key, relation, aim in AIMS:
        met = "met" if RELATIONS[relation](values[key], aim) else "NOT MET"
        lines.append(f"{key:<24}{values[key]:>12}   aim {relation} {aim}: {met}")
    lines.append(f"{'  the same, 2 CPUs':<24}{values['flip_el2_instructions_2_cpus']:>12}")
    lines.append(f"{'  of these for the SMMU':<24}{values['smmu_flip_instructions']:>12}")
    lines.append(f"{'channel, there and back':<24}{values['channel_round_trip_instructions']:>12} instructions")
    for key, text in (("usim_apdu_round_trip_instructions", "USIM, there and back"),
                      ("usim_auth_instructions", "  AUTHENTICATE on it")):
        lines.append(f"{text:<24}{values[key]:>12} instructions, {values[f'{key}_least']} to {values[f'{key}_most']}")
    lines.append(f"{'decryption, a byte':<24}{values['decrypt_instructions_per_byte']:>12} instructions, "
                 f"{values['decrypt_instructions_per_byte_without_extensions']} without the CPU's own for it")
    lines.append(f"{values['rounds']} rounds of everything, {values['flip_rounds']} flips each way")
    return "\n".join(lines)


def profile(results):
    """The switcher's instructions in one flip, by function."""
    steps = results["steps_1"][0]
    lines = ["", f"{steps.whole} instructions at EL2"]
    return "\n".join(lines + [f"{count:6} {name}" for name, count in steps.functions.most_common()])
