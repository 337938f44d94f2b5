/* SPDX-License-Identifier: MIT */
/* A public header. */
#ifndef KEG_ONE_H
#define KEG_ONE_H

/* One. */
__attribute__((visibility("default"))) int keg_one(void);

#endif
