/* SPDX-License-Identifier: Apache-2.0 */
/* main: the program certloop. Everything is in reconciler/cli. */
#include "reconciler/cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
