/* SPDX-License-Identifier: MIT */
/* What the DSDT of a PC says. */
#ifndef KEG_BOOT_ACPI_DSDT_H
#define KEG_BOOT_ACPI_DSDT_H

#include "boot/acpi.h"
#include "boot/aml.h"

/* Encodes the definition block's terms. Failures show in keg_aml_finish(). */
void keg_acpi_put_dsdt(struct keg_aml *aml, const struct keg_acpi_config *config);

#endif
