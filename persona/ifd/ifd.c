// SPDX-License-Identifier: BSD-3-Clause
// The interface that pcscd wants of a reader driver (PCSC/ifdhandler.h, version 3): one reader with one slot.
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include <ifdhandler.h>
#include <reader.h>

#include "port.h"

enum { TIMEOUT_MS = 5000, PRESENCE_TIMEOUT_MS = 1000, LOOK_MS = 400 /* as often as pcscd looks by itself */ };

#define DEFAULT_PATH "/dev/virtio-ports/flipside.usim"

static struct {
    bool in_use;
    DWORD lun;
    char path[256];
    struct port port;
    bool powered; /* as far as pcscd knows */
    UCHAR atr[MAX_ATR_SIZE];
    DWORD atr_size;             /* bytes */
    bool missed;                /* somebody was told that there is no card, and the watcher has not been yet */
    _Atomic(pthread_t) watcher; /* the thread of pcscd that looks for cards; 0: it has not waited yet */
} reader = {.port = {.fd = -1}};

static bool is_ours(DWORD lun) { return reader.in_use && reader.lun == lun; }

static void ask(const uint8_t *request, size_t size, int timeout_ms, struct port_answer *answer) {
    port_ask(&reader.port, request, size, timeout_ms, answer);
    if (answer->status != PORT_OK)
        reader.atr_size = 0;
}

/* DEVICENAME is /dev/null:PATH: pcscd itself wants a file that is always there, and the port comes with its driver. */
RESPONSECODE IFDHCreateChannelByName(DWORD Lun, LPSTR DeviceName) {
    const char *colon = DeviceName != NULL ? strrchr(DeviceName, ':') : NULL;
    const char *path = colon != NULL ? colon + 1 : DEFAULT_PATH;
    if (reader.in_use || strlen(path) >= sizeof reader.path)
        return IFD_COMMUNICATION_ERROR;
    memset(&reader, 0, sizeof reader);
    memcpy(reader.path, path, strlen(path) + 1);
    reader.port = (struct port){.path = reader.path, .fd = -1};
    reader.in_use = true;
    reader.lun = Lun;
    return IFD_SUCCESS;
}

RESPONSECODE IFDHCreateChannel(DWORD Lun, DWORD Channel) {
    (void)Channel;
    return IFDHCreateChannelByName(Lun, NULL);
}

static void power_off(void) {
    static const uint8_t off = PORT_OFF;
    struct port_answer answer;
    if (reader.powered)
        ask(&off, sizeof off, TIMEOUT_MS, &answer);
    reader.powered = false;
    reader.atr_size = 0;
}

RESPONSECODE IFDHCloseChannel(DWORD Lun) {
    if (!is_ours(Lun))
        return IFD_COMMUNICATION_ERROR;
    power_off();
    port_close(&reader.port);
    reader.in_use = false;
    return IFD_SUCCESS;
}

static RESPONSECODE give(const void *from, DWORD size, PDWORD Length, PUCHAR Value) {
    if (Length == NULL || Value == NULL || *Length < size)
        return IFD_ERROR_INSUFFICIENT_BUFFER;
    memcpy(Value, from, size);
    *Length = size;
    return IFD_SUCCESS;
}

/* Where that thread waits between two looks. */
static RESPONSECODE watch(DWORD Lun, int timeout_ms) {
    (void)Lun;
    reader.watcher = pthread_self();
    (void)poll(NULL, 0, timeout_ms > 0 && timeout_ms < LOOK_MS ? timeout_ms : LOOK_MS);
    return IFD_SUCCESS;
}

RESPONSECODE IFDHGetCapabilities(DWORD Lun, DWORD Tag, PDWORD Length, PUCHAR Value) {
    static const UCHAR one = 1, none = 0;
    static RESPONSECODE (*const watching)(DWORD, int) = watch;
    if (!is_ours(Lun))
        return IFD_COMMUNICATION_ERROR;
    switch (Tag) {
    case TAG_IFD_ATR:
    case SCARD_ATTR_ATR_STRING:
        return give(reader.atr, reader.atr_size, Length, Value);
    case TAG_IFD_SLOTS_NUMBER:
    case TAG_IFD_SIMULTANEOUS_ACCESS:
        return give(&one, sizeof one, Length, Value);
    case TAG_IFD_THREAD_SAFE:
    case TAG_IFD_SLOT_THREAD_SAFE:
        return give(&none, sizeof none, Length, Value);
    case TAG_IFD_POLLING_THREAD_WITH_TIMEOUT:
        return give(&watching, sizeof watching, Length, Value);
    default:
        return IFD_ERROR_TAG;
    }
}

RESPONSECODE IFDHSetCapabilities(DWORD Lun, DWORD Tag, DWORD Length, PUCHAR Value) {
    (void)Tag, (void)Length, (void)Value;
    return is_ours(Lun) ? IFD_ERROR_TAG : IFD_COMMUNICATION_ERROR;
}

/* The card's ATR offers T=0 alone. */
RESPONSECODE IFDHSetProtocolParameters(DWORD Lun, DWORD Protocol, UCHAR Flags, UCHAR PTS1, UCHAR PTS2, UCHAR PTS3) {
    (void)Flags, (void)PTS1, (void)PTS2, (void)PTS3;
    if (!is_ours(Lun))
        return IFD_COMMUNICATION_ERROR;
    return Protocol == SCARD_PROTOCOL_T0 ? IFD_SUCCESS : IFD_PROTOCOL_NOT_SUPPORTED;
}

static RESPONSECODE power_on(uint8_t request, PUCHAR Atr, PDWORD AtrLength) {
    struct port_answer answer;
    ask(&request, sizeof request, TIMEOUT_MS, &answer);
    reader.powered = answer.status == PORT_OK && answer.size > 0 && answer.size <= sizeof reader.atr;
    if (!reader.powered)
        return IFD_ERROR_POWER_ACTION;
    reader.atr_size = (DWORD)answer.size;
    memcpy(reader.atr, answer.data, answer.size);
    return give(reader.atr, reader.atr_size, AtrLength, Atr);
}

RESPONSECODE IFDHPowerICC(DWORD Lun, DWORD Action, PUCHAR Atr, PDWORD AtrLength) {
    DWORD room = MAX_ATR_SIZE; /* what pcscd gives; its length is not set before */
    if (!is_ours(Lun))
        return IFD_COMMUNICATION_ERROR;
    if (AtrLength != NULL)
        *AtrLength = 0;
    RESPONSECODE result = IFD_SUCCESS;
    switch (Action) {
    case IFD_POWER_DOWN:
        power_off();
        return IFD_SUCCESS;
    case IFD_POWER_UP:
        result = power_on(PORT_ON, Atr, &room);
        break;
    case IFD_RESET:
        result = power_on(PORT_RESET, Atr, &room);
        break;
    default:
        return IFD_NOT_SUPPORTED;
    }
    if (result == IFD_SUCCESS && AtrLength != NULL)
        *AtrLength = room;
    return result;
}

/* A response APDU ends with a status word. @param length room on entry, 0 unless it succeeds */
static RESPONSECODE hand_on(const struct port_answer *answer, PUCHAR response, PDWORD length) {
    DWORD room = *length;
    *length = 0;
    switch (answer->status) {
    case PORT_OK:
        if (answer->size < 2 || answer->size > room)
            return IFD_COMMUNICATION_ERROR;
        memcpy(response, answer->data, answer->size);
        *length = (DWORD)answer->size;
        return IFD_SUCCESS;
    case PORT_IS_OFF:
    case PORT_REFUSED:
        return IFD_ICC_NOT_PRESENT;
    default:
        return IFD_COMMUNICATION_ERROR;
    }
}

RESPONSECODE IFDHTransmitToICC(DWORD Lun, SCARD_IO_HEADER SendPci, PUCHAR TxBuffer, DWORD TxLength, PUCHAR RxBuffer,
                               PDWORD RxLength, PSCARD_IO_HEADER RecvPci) {
    struct port_answer answer;
    (void)RecvPci;
    if (!is_ours(Lun) || RxLength == NULL)
        return IFD_COMMUNICATION_ERROR;
    DWORD room = *RxLength;
    *RxLength = 0;
    if (SendPci.Protocol != 0)
        return IFD_PROTOCOL_NOT_SUPPORTED;
    if (TxLength < 4 || TxLength > PORT_REQUEST_MAX)
        return IFD_COMMUNICATION_ERROR; /* no APDU that the card could have; never a request of one byte */
    ask(TxBuffer, TxLength, TIMEOUT_MS, &answer);
    *RxLength = room;
    RESPONSECODE result = hand_on(&answer, RxBuffer, RxLength);
    explicit_bzero(&answer, sizeof answer);
    return result;
}

RESPONSECODE IFDHControl(DWORD Lun, DWORD dwControlCode, PUCHAR TxBuffer, DWORD TxLength, PUCHAR RxBuffer,
                         DWORD RxLength, LPDWORD pdwBytesReturned) {
    (void)Lun, (void)dwControlCode, (void)TxBuffer, (void)TxLength, (void)RxBuffer, (void)RxLength;
    if (pdwBytesReturned != NULL)
        *pdwBytesReturned = 0;
    return IFD_ERROR_NOT_SUPPORTED;
}

/* A flip, or any suspend, turns the card off. Whoever used it must know, since what was selected and verified is gone:
 * to pcscd the card is taken out and put in again. */
static bool is_present(void) {
    static const uint8_t request = PORT_ATR;
    struct port_answer answer;
    port_ask(&reader.port, &request, sizeof request, PRESENCE_TIMEOUT_MS, &answer);
    bool lost = reader.powered && answer.status != PORT_OK;
    if (lost) {
        reader.powered = false;
        reader.atr_size = 0;
    }
    return (answer.status == PORT_OK || answer.status == PORT_IS_OFF) && !lost;
}

static bool is_watcher(void) {
    pthread_t watcher = reader.watcher;
    return watcher == 0 || pthread_equal(watcher, pthread_self());
}

/*
 * pcscd looks before each power-up, reset and power-off that a program wants, too, and takes it from there for granted
 * that the thread that watches sees what it saw. Were there a card again at that one's next look, pcscd would have none
 * for all programs until it ends.
 */
RESPONSECODE IFDHICCPresence(DWORD Lun) {
    if (!is_ours(Lun))
        return IFD_COMMUNICATION_ERROR;
    bool present = is_present() && !reader.missed;
    reader.missed = !present && !is_watcher();
    return present ? IFD_ICC_PRESENT : IFD_ICC_NOT_PRESENT;
}
