/* SPDX-License-Identifier: MIT */
/* Opening KVM, and what it answers about itself. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <keg/host.h>

#include "kvm/uapi.h"

static struct keg_host *host;

static int open_host(void **state)
{
	(void)state;
	assert_ok(keg_host_create(NULL, &host));
	return 0;
}

static int close_host(void **state)
{
	(void)state;
	keg_host_destroy(host);
	return 0;
}

static int create_at(const char *path, struct keg_host **result)
{
	const struct keg_host_config config = {.size = sizeof(config), .path = path};

	return keg_host_create(&config, result);
}

static void a_missing_device_is_told_with_what_to_do(void **state)
{
	struct keg_host *other = (void *)1;

	(void)state;
	assert_fails(create_at("/nonexistent/kvm", &other), ENOENT, "modprobe");
	assert_null(other);
}

static void a_device_that_is_not_kvm_is_refused(void **state)
{
	struct keg_host *other;

	(void)state;
	assert_fails(create_at("/dev/null", &other), ENOTTY, "/dev/null is not KVM's device");
	assert_fails(create_at("/", &other), EISDIR, "opening /");
}

/* In a child that is nobody: 0 if all is as it should be. */
static int try_as_nobody(const char *path)
{
	struct keg_host *other;

	if (setgid(65534) || setuid(65534))
		return 2;
	if (create_at(path, &other) != -EACCES)
		return 3;
	return strstr(keg_error_message(), "a member of the group") ? 0 : 4;
}

static void a_denied_device_names_the_group_that_may_open_it(void **state)
{
	char path[] = "/tmp/keg-test-XXXXXX";
	int fd, status;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	fd = mkstemp(path);
	assert_true(fd >= 0);
	child = fork();
	if (child == 0)
		_exit(try_as_nobody(path));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fd);
	unlink(path);
}

static void a_configuration_must_tell_its_size(void **state)
{
	const struct keg_host_config config = {.size = 0};
	struct keg_host *other;

	(void)state;
	assert_fails(keg_host_create(&config, &other), EINVAL, "size member is 0");
}

static void members_that_this_library_does_not_know_must_be_zero(void **state)
{
	struct {
		struct keg_host_config config;
		char newer[8];
	} larger = {.config.size = sizeof(larger)};
	struct keg_host *other;

	(void)state;
	assert_ok(keg_host_create(&larger.config, &other));
	keg_host_destroy(other);
	larger.newer[7] = 1;
	assert_fails(keg_host_create(&larger.config, &other), EINVAL, "does not know");
}

static void destroying_nothing_is_harmless(void **state)
{
	(void)state;
	keg_host_destroy(NULL);
}

static void the_descriptor_is_closed_on_exec(void **state)
{
	(void)state;
	assert_true(fcntl(keg_host_fd(host), F_GETFD) & FD_CLOEXEC);
}

static void version_and_area_are_known(void **state)
{
	(void)state;
	assert_int_equal(keg_host_api_version(host), 12);
	assert_true(keg_host_vcpu_mmap_size(host) >= sizeof(struct kvm_run));
	assert_int_equal(
		keg_host_vcpu_mmap_size(host), ioctl(keg_host_fd(host), KVM_GET_VCPU_MMAP_SIZE, 0));
}

static void any_extension_can_be_asked_for(void **state)
{
	(void)state;
	for (int cap = 0; cap < 256; cap++) {
		int bare = ioctl(keg_host_fd(host), KVM_CHECK_EXTENSION, cap);

		assert_int_equal(keg_host_check_extension(host, cap), bare < 0 ? -errno : bare);
	}
}

static void each_named_capability_is_its_extension(void **state)
{
	static const struct {
		bool (*has)(struct keg_host *host);
		int extension;
	} named[] = {
		{keg_host_has_user_memory, KVM_CAP_USER_MEMORY},
		{keg_host_has_tss_address, KVM_CAP_SET_TSS_ADDR},
		{keg_host_has_extended_cpuid, KVM_CAP_EXT_CPUID},
		{keg_host_has_user_nmi, KVM_CAP_USER_NMI},
		{keg_host_has_one_reg, KVM_CAP_ONE_REG},
		{keg_host_has_irqchip, KVM_CAP_IRQCHIP},
		{keg_host_has_vcpu_events, KVM_CAP_VCPU_EVENTS},
		{keg_host_has_debug_registers, KVM_CAP_DEBUGREGS},
		{keg_host_has_xcrs, KVM_CAP_XCRS},
		{keg_host_has_xsave, KVM_CAP_XSAVE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		assert_int_equal(named[i].has(host),
			ioctl(keg_host_fd(host), KVM_CHECK_EXTENSION, named[i].extension) > 0);
	assert_true(keg_host_has_user_memory(host));
}

static void counted_capabilities_are_their_extension(void **state)
{
	(void)state;
	assert_int_equal(keg_host_coalesced_mmio_page(host),
		ioctl(keg_host_fd(host), KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO));
	assert_int_equal(keg_host_memory_slot_count(host),
		ioctl(keg_host_fd(host), KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS));
	assert_true(keg_host_recommended_vcpus(host) >= 1);
	assert_true(keg_host_max_vcpus(host) >= keg_host_recommended_vcpus(host) ||
		    keg_host_max_vcpus(host) >= 1);
	assert_true(keg_host_max_vcpu_id(host) >= keg_host_max_vcpus(host));
}

static void the_raw_ioctl_is_there_for_the_rest(void **state)
{
	(void)state;
	assert_int_equal(keg_host_ioctl(host, KVM_GET_API_VERSION, 0), 12);
	/* KVM says EINVAL to what it does not know, and so does the raw ioctl. */
	assert_fails(keg_host_ioctl(host, _IO(KVMIO, 0xff), 0), EINVAL, "ioctl 0xaeff on KVM");
}

static void the_version_of_the_library_is_known(void **state)
{
	int major, minor, patch;

	(void)state;
	assert_int_equal(sscanf(keg_version(), "%d.%d.%d", &major, &minor, &patch), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_device_is_told_with_what_to_do),
		cmocka_unit_test(a_device_that_is_not_kvm_is_refused),
		cmocka_unit_test(a_denied_device_names_the_group_that_may_open_it),
		cmocka_unit_test(a_configuration_must_tell_its_size),
		cmocka_unit_test(members_that_this_library_does_not_know_must_be_zero),
		cmocka_unit_test(destroying_nothing_is_harmless),
		cmocka_unit_test(the_descriptor_is_closed_on_exec),
		cmocka_unit_test(version_and_area_are_known),
		cmocka_unit_test(any_extension_can_be_asked_for),
		cmocka_unit_test(each_named_capability_is_its_extension),
		cmocka_unit_test(counted_capabilities_are_their_extension),
		cmocka_unit_test(the_raw_ioctl_is_there_for_the_rest),
		cmocka_unit_test(the_version_of_the_library_is_known),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, open_host, close_host);
}
