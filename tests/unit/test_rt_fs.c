/* SPDX-License-Identifier: Apache-2.0 */
/* Which file systems can be watched and which survive a restart, by what statfs(2) calls them. */
#include "backends/rt/disk_internal.h"
#include "tests/unit/unit.h"

static void file_systems_of_other_hosts_are_network_file_systems(void **state)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } NETWORK[] = {{0x6969, "nfs"},      {0xFF534D42, "cifs"}, {0xFE534D42, "smb2"},
                   {0x65735546, "fuse"}, {0x01021997, "9p"},   {0x00C36400, "ceph"}};
    struct disk_fs_info fs = {0};

    (void)state;
    for (size_t i = 0; i < sizeof NETWORK / sizeof NETWORK[0]; i++) {
        disk_classify_fs(NETWORK[i].magic, &fs);
        assert_int_equal(fs.kind, DISK_FS_NETWORK);
        assert_string_equal(fs.name, NETWORK[i].name);
    }
}

static void overlay_and_tmpfs_are_watched_but_do_not_survive(void **state)
{
    struct disk_fs_info fs = {0};

    (void)state;
    disk_classify_fs(0x794C7630, &fs);
    assert_int_equal(fs.kind, DISK_FS_EPHEMERAL);
    disk_classify_fs(0x01021994, &fs);
    assert_int_equal(fs.kind, DISK_FS_EPHEMERAL);
}

static void an_unknown_file_system_is_taken_for_a_local_one(void **state)
{
    struct disk_fs_info fs = {0};

    (void)state;
    disk_classify_fs(0x12345678, &fs);
    assert_int_equal(fs.kind, DISK_FS_LOCAL);
    assert_string_equal(fs.name, "0x12345678");
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(file_systems_of_other_hosts_are_network_file_systems),
        cmocka_unit_test(overlay_and_tmpfs_are_watched_but_do_not_survive),
        cmocka_unit_test(an_unknown_file_system_is_taken_for_a_local_one),
    };

    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
