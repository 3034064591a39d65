// SPDX-License-Identifier: BSD-3-Clause
#include "files.h"

/* TS 31.102 Annex A and H; AID of RID A000000087, USIM 1002, country and provider code, and Flipside's own end. */
const uint8_t usim_aid[AID_SIZE] = {0xa0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xff,
                                    0xff, 0xff, 0xff, 0x89, 0x06, 0x19, 0x00, 0x00};

#define DF(id, directory, service)                                                                                     \
    { id, directory, 0, service, FILE_DIRECTORY, RULE_DIRECTORY, 0, 0, 0, DATA }
#define EF(directory, id, sfi, service, rule, size, fill, what)                                                        \
    { id, directory, sfi, service, FILE_TRANSPARENT, rule, size, 0, fill, what }
#define RECORDS(directory, id, sfi, service, kind, rule, record, count, fill, what)                                    \
    { id, directory, sfi, service, kind, rule, (record) * (count), record, fill, what }
#define USIM FID_ADF_USIM
#define FIVE FID_DF_5GS
#define GSM FID_DF_GSM_ACCESS
#define DATA false
#define KEYS true

/* TS 102 221 13, TS 31.102 4.2, 4.4.3 and 4.4.11. */
static const struct file files[] = {
    DF(FID_MF, FID_MF, 0),
    RECORDS(FID_MF, 0x2f00, 0x1e, 0, FILE_LINEAR, RULE_PUBLIC, 32, 1, 0xff, DATA),              /* DIR */
    EF(FID_MF, 0x2fe2, 0x02, 0, RULE_PUBLIC, 10, 0xff, DATA),                                   /* ICCID */
    EF(FID_MF, 0x2f05, 0x05, 0, RULE_PUBLIC_PIN, 4, 0xff, DATA),                                /* PL */
    RECORDS(FID_MF, FID_ARR_MF, 0x06, 0, FILE_LINEAR, RULE_PUBLIC, 40, RULE_COUNT, 0xff, DATA), /* ARR */
    EF(FID_MF, 0x2f08, 0x08, 0, RULE_PUBLIC, 5, 0x00, DATA),                                    /* UMPC */
    DF(FID_ADF_USIM, FID_MF, 0),
    EF(USIM, 0x6f05, 0x02, 0, RULE_PUBLIC_PIN, 4, 0xff, DATA),                                  /* LI */
    RECORDS(USIM, FID_ARR_USIM, 0x17, 0, FILE_LINEAR, RULE_PUBLIC, 40, RULE_COUNT, 0xff, DATA), /* ARR */
    EF(USIM, 0x6f07, 0x07, 0, RULE_PIN_ADM, 9, 0xff, DATA),                                     /* IMSI */
    EF(USIM, 0x6f08, 0x08, 0, RULE_PIN_PIN, 33, 0xff, KEYS),                                    /* Keys */
    EF(USIM, 0x6f09, 0x09, 0, RULE_PIN_PIN, 33, 0xff, KEYS),                                    /* KeysPS */
    EF(USIM, 0x6f60, 0x0a, 20, RULE_PIN_PIN, 40, 0xff, DATA),                                   /* PLMNwAcT */
    EF(USIM, 0x6f31, 0x12, 0, RULE_PIN_ADM, 1, 0x00, DATA),                                     /* HPPLMN */
    EF(USIM, 0x6f37, 0, 13, RULE_PIN_PIN2, 3, 0x00, DATA),                                      /* ACMmax */
    EF(USIM, 0x6f38, 0x04, 0, RULE_PIN_ADM, USIM_SERVICES_SIZE, 0x00, DATA),                    /* UST */
    RECORDS(USIM, 0x6f39, 0, 13, FILE_CYCLIC, RULE_COUNTER, 3, 3, 0x00, DATA),                  /* ACM */
    RECORDS(USIM, 0x6f3b, 0, USIM_SERVICE_FDN, FILE_LINEAR, RULE_PIN_PIN2, 28, 4, 0xff, DATA),  /* FDN */
    RECORDS(USIM, FID_SMS, 0, 10, FILE_LINEAR, RULE_PIN_PIN, 176, 4, 0xff, DATA),               /* SMS */
    EF(USIM, 0x6f3e, 0, 17, RULE_PIN_ADM, 8, 0xff, DATA),                                       /* GID1 */
    RECORDS(USIM, 0x6f40, 0, 21, FILE_LINEAR, RULE_PIN_PIN, 28, 2, 0xff, DATA),                 /* MSISDN */
    EF(USIM, 0x6f41, 0, 13, RULE_PIN_PIN2, 5, 0x00, DATA),                                      /* PUCT */
    RECORDS(USIM, 0x6f42, 0, 12, FILE_LINEAR, RULE_PIN_PIN, 40, 1, 0xff, DATA),                 /* SMSP */
    EF(USIM, 0x6f43, 0, 10, RULE_PIN_PIN, 2, 0xff, DATA),                                       /* SMSS */
    EF(USIM, 0x6f46, 0, 19, RULE_PUBLIC, 17, 0xff, DATA),                                       /* SPN */
    EF(USIM, 0x6f56, 0x05, USIM_SERVICE_FDN, RULE_PIN_PIN2, 1, 0x00, DATA),                     /* EST */
    EF(USIM, 0x6f5b, 0x0f, 0, RULE_PIN_PIN, 6, 0x00, DATA),                                     /* START-HFN */
    EF(USIM, 0x6f5c, 0x10, 0, RULE_PIN_ADM, 3, 0xff, DATA),                                     /* THRESHOLD */
    EF(USIM, 0x6f61, 0x11, 42, RULE_PIN_ADM, 40, 0xff, DATA),                                   /* OPLMNwAcT */
    EF(USIM, 0x6f62, 0x13, 43, RULE_PIN_ADM, 10, 0xff, DATA),                                   /* HPLMNwAcT */
    EF(USIM, 0x6f73, 0x0c, 0, RULE_PIN_PIN, 14, 0xff, DATA),                                    /* PSLOCI */
    EF(USIM, 0x6f78, 0x06, 0, RULE_PIN_ADM, 2, 0x00, DATA),                                     /* ACC */
    EF(USIM, 0x6f7b, 0x0d, 0, RULE_PIN_PIN, 12, 0xff, DATA),                                    /* FPLMN */
    EF(USIM, 0x6f7e, 0x0b, 0, RULE_PIN_PIN, 11, 0xff, DATA),                                    /* LOCI */
    EF(USIM, 0x6fad, 0x03, 0, RULE_PUBLIC, 4, 0x00, DATA),                                      /* AD */
    RECORDS(USIM, 0x6fb7, 0x01, 0, FILE_LINEAR, RULE_PUBLIC, 8, 2, 0xff, DATA),                 /* ECC */
    EF(USIM, 0x6fc4, 0, 0, RULE_PIN_PIN, 64, 0xff, DATA),                                       /* NETPAR */
    EF(USIM, FID_GBABP, 0, USIM_SERVICE_GBA, RULE_PIN_PIN, 128, 0xff, DATA),                    /* GBABP */
    EF(USIM, 0x6fd9, 0x1d, 71, RULE_PIN_ADM, 9, 0xff, DATA),                                    /* EHPLMN */
    RECORDS(USIM, FID_GBANL, 0, USIM_SERVICE_GBA, FILE_LINEAR, RULE_PIN_ADM, GBANL_RECORD, 3, 0xff, DATA), /* GBANL */
    EF(USIM, 0x6fe3, 0x1e, 85, RULE_PIN_PIN, 18, 0xff, DATA),                                              /* EPSLOCI */
    RECORDS(USIM, 0x6fe4, 0x18, 85, FILE_LINEAR, RULE_PIN_PIN, 54, 1, 0xff, KEYS),                         /* EPSNSC */
    DF(FID_DF_5GS, FID_ADF_USIM, 0),
    EF(FIVE, 0x4f01, 0x01, 122, RULE_PIN_PIN, 20, 0xff, DATA),                      /* 5GS3GPPLOCI */
    EF(FIVE, 0x4f02, 0x02, 122, RULE_PIN_PIN, 20, 0xff, DATA),                      /* 5GSN3GPPLOCI */
    RECORDS(FIVE, 0x4f03, 0x03, 122, FILE_LINEAR, RULE_PIN_PIN, 62, 1, 0xff, KEYS), /* 5GS3GPPNSC */
    RECORDS(FIVE, 0x4f04, 0x04, 122, FILE_LINEAR, RULE_PIN_PIN, 62, 1, 0xff, KEYS), /* 5GSN3GPPNSC */
    EF(FIVE, 0x4f05, 0x05, 123, RULE_PIN_PIN, 110, 0xff, KEYS),                     /* 5GAUTHKEYS */
    EF(FIVE, 0x4f06, 0x06, 126, RULE_PIN_ADM, 4, 0x00, DATA),                       /* UAC_AIC */
    EF(FIVE, 0x4f07, 0x07, USIM_SERVICE_SUCI, RULE_PIN_ADM, 192, 0xff, DATA),       /* SUCI_Calc_Info */
    EF(FIVE, FID_SUPI_NAI, 0x09, 130, RULE_PIN_ADM, 64, 0xff, DATA),                /* SUPI_NAI */
    EF(FIVE, 0x4f0a, 0x0a, USIM_SERVICE_SUCI, RULE_PIN_ADM, 4, 0xff, DATA),         /* Routing_Indicator */
    DF(FID_DF_GSM_ACCESS, FID_ADF_USIM, USIM_SERVICE_GSM_ACCESS),
    EF(GSM, 0x4f20, 0x01, USIM_SERVICE_GSM_ACCESS, RULE_PIN_PIN, 9, 0xff, KEYS), /* Kc */
    EF(GSM, 0x4f52, 0x02, USIM_SERVICE_GSM_ACCESS, RULE_PIN_PIN, 9, 0xff, KEYS), /* KcGPRS */
};

/* Services that no file is there for (TS 31.102 4.2.8): what they promise is the card's own doing, or nothing. */
static const uint8_t without_files[] = {
    33, /* on in all USIMs */
    USIM_SERVICE_EST,
    USIM_SERVICE_GSM_SECURITY,
    USIM_SERVICE_SUCI_BY_CARD,
};

const int file_count = sizeof(files) / sizeof(files[0]);

const struct file *file_at(int number) { return &files[number]; }

size_t file_offset(int number) {
    size_t offset = 0;
    for (int i = 0; i < number; i++)
        offset += files[i].size;
    return offset;
}

bool usim_service_is_carried(unsigned service) {
    bool found = false;
    for (int i = 0; i < file_count; i++)
        found |= files[i].service == service && service != 0;
    for (size_t i = 0; i < sizeof(without_files); i++)
        found |= without_files[i] == service;
    return found;
}

/* SUCI_Calc_Info is for the terminal: it is not there when the card itself computes (TS 31.102 4.4.11.8). */
static bool is_there(const struct usim_profile *profile, const struct file *file) {
    if (file->id == 0x4f07 && usim_service(profile, USIM_SERVICE_SUCI_BY_CARD))
        return false;
    return usim_service(profile, file->service);
}

int file_find(const struct usim_profile *profile, uint16_t directory, uint16_t id) {
    for (int i = 0; i < file_count; i++)
        if (files[i].directory == directory && files[i].id == id && is_there(profile, &files[i]))
            return i;
    return FILE_NONE;
}

int file_find_sfi(const struct usim_profile *profile, uint16_t directory, uint8_t sfi) {
    for (int i = 0; i < file_count; i++)
        if (files[i].directory == directory && files[i].sfi == sfi && sfi != 0 && is_there(profile, &files[i]))
            return i;
    return FILE_NONE;
}

enum file_condition file_condition(enum file_rule rule, enum file_right right) {
    static const uint8_t conditions[RULE_COUNT][FILE_RIGHTS] = {
        {ALWAYS, ADM, NEVER}, {PIN1, ADM, NEVER}, {PIN1, PIN1, NEVER},   {ALWAYS, PIN1, NEVER},
        {PIN1, PIN2, NEVER},  {PIN1, PIN2, PIN1}, {NEVER, NEVER, NEVER},
    };
    return (enum file_condition)conditions[rule - 1][right];
}
