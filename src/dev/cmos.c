/* SPDX-License-Identifier: MIT */
/* The real-time clock. "Data sheet" is Motorola's of the MC146818AS, 1984. */
#include "dev/cmos.h"

#include <string.h>
#include <time.h>

#include "base/error.h"
#include "dev/registers.h"

enum {
	INDEX_MASK = KEG_CMOS_RAM - 1, /* bit 7 of the index port masks the NMI on a PC */

	REGISTER_A = 0x0a,
	REGISTER_B = 0x0b,
	REGISTER_C = 0x0c,
	REGISTER_D = 0x0d,

	A_UPDATE_IN_PROGRESS = 1 << 7,
	A_RESET = 0x26, /* a crystal of 32,768 Hz, and a square wave of 1,024 Hz */
	B_SET = 1 << 7,
	B_UPDATE_ENDED_INTERRUPT = 1 << 4,
	B_BINARY = 1 << 2,
	B_24_HOURS = 1 << 1,
	C_INTERRUPT = 1 << 7,
	C_UPDATE_ENDED = 1 << 4,
	D_VALID = 1 << 7,

	HOURS_PM = 1 << 7,
};

#define NS_PER_SECOND 1000000000ULL
/* An update is announced 244 us ahead and takes 1,984 us (data sheet, "Update cycle"). */
#define NS_PER_UPDATE ((244ULL + 1984ULL) * 1000)
/* A reading that has not come to its end for so long never will. */
#define NS_PER_READING (5 * NS_PER_SECOND)

/* The fields of the time, by register; in the same order as encode_time() has them. */
enum { SECONDS, MINUTES, HOURS, WEEKDAY, DAY, MONTH, YEAR, CENTURY, FIELDS };
static const uint8_t field_registers[FIELDS] = {0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32};

/* As if all had been read: the next to be read begins a new reading. */
#define NO_READING UINT32_MAX

/* The field that a register holds, or FIELDS. */
static uint32_t field_of(uint32_t reg)
{
	uint32_t field = 0;

	while (field < FIELDS && field_registers[field] != reg)
		field++;
	return field;
}

static uint64_t now(const struct keg_cmos *cmos)
{
	return cmos->clock.now(cmos->clock.context);
}

static bool stopped(const struct keg_cmos *cmos)
{
	return cmos->ram[REGISTER_B] & B_SET;
}

/* Begins a reading. */
static void show(struct keg_cmos *cmos, uint64_t time)
{
	cmos->shown = time;
	cmos->fields_read = 0;
}

/*
 * A guest reads the time field by field, and must not see some before a second has passed and some
 * after. So all fields show the same moment until one of them is read again, or register A has said
 * that the time may be read: then a new reading begins, and it shows the time of that moment.
 */
static void refresh(struct keg_cmos *cmos, uint32_t field)
{
	uint64_t time = now(cmos);

	/* A host's clock that was set back is a long time, too. */
	if (!stopped(cmos) &&
		(cmos->fields_read & 1U << field || time - cmos->shown > NS_PER_READING))
		show(cmos, time);
	cmos->fields_read |= 1U << field;
}

static void split_time(uint64_t time, uint32_t fields[FIELDS])
{
	time_t seconds = (time_t)(time / NS_PER_SECOND);
	struct tm tm = {0};
	uint32_t year;

	gmtime_r(&seconds, &tm);
	year = (uint32_t)tm.tm_year + 1900;
	fields[SECONDS] = (uint32_t)tm.tm_sec;
	fields[MINUTES] = (uint32_t)tm.tm_min;
	fields[HOURS] = (uint32_t)tm.tm_hour;
	fields[WEEKDAY] = (uint32_t)tm.tm_wday + 1;
	fields[DAY] = (uint32_t)tm.tm_mday;
	fields[MONTH] = (uint32_t)tm.tm_mon + 1;
	fields[YEAR] = year % 100;
	fields[CENTURY] = year / 100;
}

/* A field as register B's DM and 24/12 ask for it (data sheet, table 3). */
static uint32_t encode(const struct keg_cmos *cmos, uint32_t field, uint32_t value)
{
	uint32_t mode = cmos->ram[REGISTER_B], pm = 0;

	if (field == HOURS && !(mode & B_24_HOURS)) {
		pm = value >= 12 ? HOURS_PM : 0;
		value = value % 12 ? value % 12 : 12;
	}
	if (!(mode & B_BINARY))
		value = value / 10 << 4 | value % 10;
	return value | pm;
}

static uint32_t read_field(struct keg_cmos *cmos, uint32_t field)
{
	uint32_t fields[FIELDS];

	refresh(cmos, field);
	split_time(cmos->shown, fields);
	return encode(cmos, field, fields[field]);
}

static uint32_t read_a(struct keg_cmos *cmos)
{
	uint64_t time = now(cmos);

	if (stopped(cmos))
		return cmos->ram[REGISTER_A];
	if (time % NS_PER_SECOND >= NS_PER_SECOND - NS_PER_UPDATE)
		return cmos->ram[REGISTER_A] | A_UPDATE_IN_PROGRESS;
	show(cmos, time);
	return cmos->ram[REGISTER_A];
}

/* Reading clears the flags. That updates have ended is all that ever happens. */
static uint32_t read_c(struct keg_cmos *cmos)
{
	uint64_t second = now(cmos) / NS_PER_SECOND;

	if (stopped(cmos) || second == cmos->update_seen)
		return 0;
	cmos->update_seen = second;
	return C_UPDATE_ENDED |
	       (cmos->ram[REGISTER_B] & B_UPDATE_ENDED_INTERRUPT ? C_INTERRUPT : 0U);
}

static uint32_t read_data(void *device)
{
	struct keg_cmos *cmos = device;
	uint32_t field = field_of(cmos->index);

	if (field < FIELDS)
		return read_field(cmos, field);
	switch (cmos->index) {
	case REGISTER_A:
		return read_a(cmos);
	case REGISTER_C:
		return read_c(cmos);
	case REGISTER_D:
		return D_VALID;
	default:
		return cmos->ram[cmos->index];
	}
}

/* SET stops the time that is shown, and ends waiting for updates (data sheet, "Register B"). */
static void write_b(struct keg_cmos *cmos, uint32_t value)
{
	if (value & B_SET) {
		if (!stopped(cmos))
			cmos->shown = now(cmos);
		value &= ~(uint32_t)B_UPDATE_ENDED_INTERRUPT;
	}
	cmos->fields_read = NO_READING;
	cmos->ram[REGISTER_B] = (uint8_t)value;
}

static void write_data(void *device, uint32_t value)
{
	struct keg_cmos *cmos = device;

	if (field_of(cmos->index) < FIELDS)
		return;
	switch (cmos->index) {
	case REGISTER_A:
		cmos->ram[REGISTER_A] = value & ~(uint32_t)A_UPDATE_IN_PROGRESS & 0xff;
		break;
	case REGISTER_B:
		write_b(cmos, value);
		break;
	case REGISTER_C:
	case REGISTER_D:
		break;
	default:
		cmos->ram[cmos->index] = (uint8_t)value;
	}
}

static void write_index(void *device, uint32_t value)
{
	struct keg_cmos *cmos = device;

	cmos->index = value & INDEX_MASK;
}

/* The index port cannot be read. */
static uint32_t read_index(void *device)
{
	(void)device;
	return 0xff;
}

static const struct keg_register registers[] = {
	{"index", 0, 1, KEG_REGISTER_RW, 0xff, .read = read_index, .write = write_index},
	{"data", 1, 1, KEG_REGISTER_RW, 0xff, .read = read_data, .write = write_data},
};
static const struct keg_register_map map = {registers, sizeof(registers) / sizeof(registers[0])};

static uint64_t read_access(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_cmos *cmos = device;
	uint64_t value;

	pthread_mutex_lock(&cmos->lock);
	value = keg_registers_read(&map, cmos, offset, bytes);
	pthread_mutex_unlock(&cmos->lock);
	return value;
}

static void write_access(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_cmos *cmos = device;

	pthread_mutex_lock(&cmos->lock);
	keg_registers_write(&map, cmos, offset, value, bytes);
	pthread_mutex_unlock(&cmos->lock);
}

const struct keg_bus_ops keg_cmos_ops = {read_access, write_access};

int keg_cmos_init(struct keg_cmos *cmos, const struct keg_cmos_clock *clock)
{
	int error;

	memset(cmos, 0, sizeof(*cmos));
	cmos->clock = *clock;
	cmos->ram[REGISTER_A] = A_RESET;
	cmos->ram[REGISTER_B] = B_24_HOURS;
	cmos->shown = now(cmos);
	cmos->fields_read = NO_READING;
	cmos->update_seen = cmos->shown / NS_PER_SECOND;
	error = pthread_mutex_init(&cmos->lock, NULL);
	if (error)
		return keg_fail_errno(error, "making a lock for the real-time clock");
	return 0;
}

void keg_cmos_fini(struct keg_cmos *cmos)
{
	pthread_mutex_destroy(&cmos->lock);
}
