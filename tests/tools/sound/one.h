/* SPDX-License-Identifier: MIT */
/* A public header. */
#ifndef KEG_ONE_H
#define KEG_ONE_H

#define KEG_API __attribute__((visibility("default")))

/* One. */
KEG_API int keg_one(void);

#endif
