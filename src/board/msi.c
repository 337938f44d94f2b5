/* SPDX-License-Identifier: MIT */
/* Message-signalled interrupts through irqfds. */
#include "board/msi.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

int keg_board_msi_init(struct board_msi *msi, struct board_routes *routes, uint32_t count)
{
	*msi = (struct board_msi){.routes = routes, .count = count};
	msi->vectors = calloc(count, sizeof(*msi->vectors));
	if (!msi->vectors)
		return keg_fail_errno(ENOMEM, "making %u interrupt vectors", count);
	for (uint32_t i = 0; i < count; i++)
		msi->vectors[i].fd = -1;
	return 0;
}

void keg_board_msi_fini(struct board_msi *msi)
{
	for (uint32_t i = 0; msi->vectors && i < msi->count; i++) {
		struct board_msi_vector *vector = &msi->vectors[i];

		if (vector->fd < 0)
			continue;
		(void)keg_vm_remove_irqfd(msi->routes->vm, vector->gsi, vector->fd);
		close(vector->fd);
	}
	free(msi->vectors);
	msi->vectors = NULL;
}

/* The route first: an irqfd of a GSI without one would lose what is signalled meanwhile. A vector
 * that cannot be bound keeps its GSI, however often it is tried. */
static int bind_vector(struct board_msi *msi, struct board_msi_vector *vector)
{
	int rc, fd;

	if (!vector->has_gsi)
		vector->gsi = keg_board_routes_take_gsi(msi->routes);
	vector->has_gsi = true;
	rc = keg_board_routes_set_msi(msi->routes, vector->gsi, vector->address, vector->data);
	if (rc < 0 || vector->fd >= 0)
		return rc;
	fd = keg_eventfd_create();
	if (fd < 0)
		return fd;
	rc = keg_vm_add_irqfd(msi->routes->vm, vector->gsi, fd, -1);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	vector->fd = fd;
	return 0;
}

/* A vector that is not armed is not sent: what it is bound to may stay. */
static int set_vector(void *context, uint32_t number, bool armed, uint64_t address, uint32_t data)
{
	struct board_msi *msi = context;
	struct board_msi_vector *vector = &msi->vectors[number];

	if (!armed)
		return 0;
	vector->address = address;
	vector->data = data;
	vector->bound = bind_vector(msi, vector) >= 0;
	return 0;
}

static void send_vector(void *context, uint32_t number)
{
	const struct board_msi *msi = context;
	const struct board_msi_vector *vector = &msi->vectors[number];

	if (vector->bound)
		(void)keg_eventfd_signal(vector->fd);
	else
		(void)keg_vm_signal_msi(msi->routes->vm, vector->address, vector->data);
}

struct keg_msi keg_board_msi_lines(struct board_msi *msi)
{
	return (struct keg_msi){.set = set_vector, .send = send_vector, .context = msi};
}
