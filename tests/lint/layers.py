# SPDX-License-Identifier: Apache-2.0
"""The tables of check_layers.py: folders and their directions, libraries and where they may be used,
and the calls that belong to the machine (backends/rt) alone."""

BASE, SPEC = {"spec/base"}, {"spec/base", "spec"}
RT = SPEC | {"backends/rt"}
MACHINE = RT | {"backends/net", "backends/crypto"}
STORE = MACHINE | {"backends/store"}
DNS = STORE | {"backends/dns/lang", "backends/dns/wire", "backends/dns"}
SOLVERS = DNS | {"backends", "backends/solvers"}
ISSUERS = {"backends/acme", "backends/ca", "backends/selfsigned"}
RECONCILER = SOLVERS | ISSUERS | {"hooks", "reconciler/core", "reconciler"}

LAYERS = {  # folder: the folders whose headers it may include, besides itself
    "spec/base": set(), "spec": BASE,
    "backends/rt": SPEC, "backends/net": RT, "backends/crypto": RT,
    "backends/store": MACHINE, "backends/dns/lang": MACHINE, "backends/dns/wire": MACHINE,
    "backends/dns": DNS, "backends": DNS | {"backends/solvers"} | ISSUERS, "backends/solvers": SOLVERS,
    "backends/acme": SOLVERS, "backends/ca": SOLVERS, "backends/selfsigned": SOLVERS,
    "hooks": MACHINE, "reconciler/core": SPEC, "reconciler": RECONCILER,
    "reconciler/cli": RECONCILER, "backends/sim": RECONCILER | {"reconciler/cli"},
}
LAYERS_FILES = {"reconciler/main.c": {"reconciler/cli"}}  # further, for one file
LIBC = {"assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h",
        "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "stdnoreturn.h", "string.h",
        "strings.h", "time.h"}
SYSTEM = r"(sys|linux|netinet|arpa|net)/.*|\w+\.h"  # any header of libc and the kernel
LIBRARIES = r"(uv|curl/.*|microhttpd|openssl/.*|yaml|jansson|idn2|cmocka|libpsl|expat)(\.h)?"
EXTERNAL = {  # folder: pattern of further headers; arpa/inet.h is for reading addresses as text
    "spec/base": r"sysexits\.h|unistd\.h",
    "spec": r"arpa/inet\.h|yaml\.h|jansson\.h",
    "backends/rt": r"uv\.h",
    "backends/net": r"curl/.*|microhttpd\.h|openssl/.*",
    "backends/crypto": r"openssl/.*|arpa/inet\.h",
    "backends": r"jansson\.h", "backends/store": r"jansson\.h",
    "backends/dns": r"jansson\.h|regex\.h", "backends/dns/lang": r"jansson\.h|regex\.h",
    "backends/dns/wire": r"arpa/inet\.h",
    "backends/acme": r"jansson\.h|arpa/inet\.h",
    "reconciler": r"jansson\.h",
    "reconciler/cli": r"jansson\.h|signal\.h|unistd\.h|getopt\.h|sys/ioctl\.h",
    "backends/sim": r"jansson\.h|openssl/.*",
}
EXTERNAL_FILES = {  # one file each, so that the dependency can be looked at as a whole
    "spec/base/cl_hash.c": r"openssl/(evp|sha)\.h",
    "spec/spec_idn.c": r"idn2\.h",
    "backends/store/registered_domain.c": r"libpsl\.h",
    "backends/dns/lang/dns_xml.c": r"expat\.h",
    "backends/dns/lang/dns_crypto.c": r"openssl/.*",  # pure functions of bytes: no part of the machine
    "backends/dns/wire/dns_tsig.c": r"openssl/.*",
    "reconciler/cli/cmd_version.c": r"uv\.h|curl/curl\.h|openssl/crypto\.h|microhttpd\.h|yaml\.h|idn2\.h",
}
SYSTEM_FOLDERS = {"backends/rt", "backends/net", "backends/sim"}

CLOCK = "time clock clock_gettime gettimeofday timespec_get uv_now uv_hrtime getenv secure_getenv"
FILES = ("open openat open64 creat fopen fdopen freopen opendir readdir scandir stat lstat fstat fstatat "
         "access faccessat rename renameat renameat2 unlink unlinkat remove mkdir mkdirat rmdir symlink "
         "symlinkat link readlink realpath chown lchown fchown chmod fchmod flock lockf fsync fdatasync "
         "syncfs truncate ftruncate mkstemp mkdtemp utimensat nftw fts_open glob BIO_new_file BIO_new_fp "
         "PEM_read_PrivateKey PEM_read_X509 X509_load_cert_file SSL_CTX_use_certificate_chain_file "
         "SSL_CTX_use_PrivateKey_file SSL_CTX_load_verify_locations json_load_file json_dump_file "
         "CURLOPT_CAINFO CURLOPT_CAPATH curl_mime_filedata")
PURE = ("rand random srand drand48 socket connect bind listen sleep nanosleep poll select fork execve kill "
        "printf puts fprintf perror getpid pthread_create")
