/* SPDX-License-Identifier: MIT */
/* libslirp, which is loaded when a network is made; and the network that it has made. */
#ifndef KEG_NET_USER_SLIRP_H
#define KEG_NET_USER_SLIRP_H

#include <slirp/libslirp.h>

#include "base/library.h"

#define KEG_SLIRP_FUNCTIONS(FUNCTION)                                                              \
	FUNCTION(slirp_new)                                                                        \
	FUNCTION(slirp_cleanup)                                                                    \
	FUNCTION(slirp_add_hostfwd)                                                                \
	FUNCTION(slirp_input)                                                                      \
	FUNCTION(slirp_pollfds_fill)                                                               \
	FUNCTION(slirp_pollfds_poll)                                                               \
	FUNCTION(slirp_version_string)

struct keg_libslirp {
	KEG_SLIRP_FUNCTIONS(KEG_LIBRARY_POINTER)
};

struct keg_user_slirp {
	void *handle;
	struct keg_libslirp lib;
	Slirp *slirp;
};

#endif
