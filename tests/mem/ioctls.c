/* SPDX-License-Identifier: MIT */
/* The program's ioctls, counted and answered. */
#include "mem/ioctls.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>

/* What the linker makes of ioctl(2): calls come to __wrap_ioctl(). */
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_ioctl(int fd, unsigned long request, ...);

enum { REQUESTS = 64 };

static struct {
	pthread_mutex_t lock;
	struct {
		unsigned long request;
		unsigned int made;
	} count[REQUESTS];
	unsigned int total;
	bool obeys;
	struct ioctl_rule rule;
	unsigned int answered;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void count_one(unsigned long request)
{
	unsigned int i = 0;

	while (i < REQUESTS && watch.count[i].made && watch.count[i].request != request)
		i++;
	if (i == REQUESTS)
		abort(); /* more kinds of request than any test here makes */
	watch.count[i].request = request;
	watch.count[i].made++;
	watch.total++;
}

/* Whether the test answers this request. Under the lock. */
static bool follow_rule(unsigned long request, uintptr_t arg)
{
	struct ioctl_rule *rule = &watch.rule;

	if (!watch.obeys || rule->request != request || (rule->with_arg && rule->arg != arg))
		return false;
	if (rule->skip) {
		rule->skip--;
		return false;
	}
	return !rule->times || watch.answered++ < rule->times;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	bool answered;
	uintptr_t arg;
	va_list args;
	int answer;

	va_start(args, request);
	arg = va_arg(args, uintptr_t);
	va_end(args);
	pthread_mutex_lock(&watch.lock);
	count_one(request);
	answered = follow_rule(request, arg);
	answer = watch.rule.answer;
	pthread_mutex_unlock(&watch.lock);
	if (!answered)
		return __real_ioctl(fd, request, arg);
	if (answer >= 0)
		return answer;
	errno = -answer;
	return -1;
}

unsigned int ioctls_made(unsigned long request)
{
	unsigned int made = 0;

	pthread_mutex_lock(&watch.lock);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		if (watch.count[i].request == request)
			made = watch.count[i].made;
	}
	if (!request)
		made = watch.total;
	pthread_mutex_unlock(&watch.lock);
	return made;
}

void ioctls_forget(void)
{
	pthread_mutex_lock(&watch.lock);
	memset(watch.count, 0, sizeof(watch.count));
	watch.total = 0;
	pthread_mutex_unlock(&watch.lock);
}

void ioctls_obey(const struct ioctl_rule *rule)
{
	pthread_mutex_lock(&watch.lock);
	watch.obeys = rule != NULL;
	watch.answered = 0;
	if (rule)
		watch.rule = *rule;
	pthread_mutex_unlock(&watch.lock);
}

void ioctls_fail_next(unsigned long request, int error)
{
	const struct ioctl_rule rule = {.request = request, .times = 1, .answer = -error};

	ioctls_obey(&rule);
}

void ioctls_answer_extension(int cap, int answer)
{
	const struct ioctl_rule rule = {.request = KVM_CHECK_EXTENSION,
		.with_arg = true,
		.arg = (uintptr_t)cap,
		.answer = answer};

	ioctls_obey(&rule);
}
