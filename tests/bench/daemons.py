# SPDX-License-Identifier: Apache-2.0
# The programs that bench.py measures, each started on a scratch folder of its own: Pebble,
# certloop, Apache with mod_md. All are stopped when their block ends.
import atexit
import contextlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
TICK = 1000 / os.sysconf("SC_CLK_TCK")  # ms
LIMIT = 600  # seconds until a measurement is given up


@contextlib.contextmanager
def scratch(opts):
    """A new folder each time, removed at the very end: without a journal, ext4 is slow in making
    files where thousands were deleted just before."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="certloop-bench-"))
    folder.chmod(0o755)
    if opts.keep:
        print(f"# kept: {folder}")
    else:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    yield folder


def wait_for(condition, every, what, limit=LIMIT):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"bench: gave up waiting for {what}")
        time.sleep(every)


def process_ms(pid):
    """CPU time of a process with its threads and the children it has waited for, in ms."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(x) for x in fields[11:15]) * TICK


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


class Pebble:
    def __init__(self, folder, resolver=None):
        self.folder, self.resolver = folder / "pebble", resolver

    def __enter__(self):
        env = os.environ | {
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_WFE_NONCEREJECT": "0",
            "PEBBLE_AUTHZREUSE": "0",
        }
        if self.resolver:
            env["PEBBLE_RESOLVER"] = self.resolver
        with open(self.folder.parent / "pebble.env", "w+") as out:
            # not a pipe: the servers keep it open
            subprocess.run(
                [HERE.parent / "lib/pebble.sh", "start", self.folder],
                env=env, stdout=out, stdin=subprocess.DEVNULL, check=True,
            )  # fmt: skip
            out.seek(0)
            self.env = dict(x.rstrip("\n").split("=", 1) for x in out)
        self.pid = int((self.folder / "pebble.pid").read_text())
        return self

    def __exit__(self, *_):
        subprocess.run([HERE.parent / "lib/pebble.sh", "stop", self.folder], check=False)

    def cpu_ms(self):
        return process_ms(self.pid)

    def requests(self, text):
        with open(self.env["PEBBLE_LOG"], errors="replace") as log:
            return sum(text in line for line in log)

    def posts(self):
        return self.requests(" POST /")


class ShellServer:
    """A server that a function of tests/lib starts; env has what it says of itself."""

    def __init__(self, folder, script, pid, names):
        self.folder, self.script, self.pid, self.names = folder, script, pid, names

    def __enter__(self):
        lib = HERE.parent / "lib"
        text = f". {lib}/common.sh; . {lib}/nameservers.sh; . {lib}/dns_api.sh; {self.script}"
        text += "".join(f'; echo "{n}=${n}" >&3' for n in [self.pid, *self.names])
        with open(self.folder / "server.env", "w+") as out:
            subprocess.run(
                ["bash", "-eu", "-c", f"exec 3>&1 >&2; {text}"],
                stdout=out, stdin=subprocess.DEVNULL, check=True,
            )  # fmt: skip
            out.seek(0)
            self.env = dict(x.rstrip("\n").split("=", 1) for x in out)
        return self

    def __exit__(self, *_):
        os.kill(int(self.env[self.pid]), signal.SIGTERM)


RFC2136 = """\
{{dns01: {{rfc2136: {{nameserver: "{BIND_SERVER}", tsigKeyName: acme,\
 tsigAlgorithm: HMACSHA256, tsigSecretSecretRef: {{name: dns, key: secret}}}}}}}}"""


class Bind(ShellServer):
    def __init__(self, folder):
        script = f"bind_start {folder}/bind example.org; BIND_PID=$(cat {folder}/bind/pid)"
        super().__init__(folder, script, "BIND_PID", ["BIND_SERVER", "TSIG_SECRET"])

    def solver(self):
        return RFC2136.format(**self.env)

    def __enter__(self):
        super().__enter__()
        self.server, self.secret = self.env["BIND_SERVER"], self.env["TSIG_SECRET"]
        return self


class DnsApi(ShellServer):
    def __init__(self, folder):
        self.providers = folder / "providers"
        script = f"dns_api_start {folder}/api example.org; dns_api_descriptions {self.providers}"
        names = ["DNS_API", "DNS_API_SERVER", "DNS_API_TOKEN"]
        super().__init__(folder, script, "DNS_API_PID", names)

    def __enter__(self):
        super().__enter__()
        self.server, self.secret = self.env["DNS_API_SERVER"], self.env["DNS_API_TOKEN"]
        return self

    def writes(self):
        with urllib.request.urlopen(self.env["DNS_API"] + "/control", timeout=10) as answer:
            return json.load(answer)["writes"]


CONFIGURATION = """\
apiVersion: certloop/v1
kind: Configuration
spec:
  providerDirectories: ["{providers}"]
  dns:
    resolvers: ["{server}"]
    zones: [{{zone: example.org, servers: ["{server}"]}}]
"""

ISSUER = """\
apiVersion: certloop/v1
kind: Issuer
metadata: {{name: pebble}}
spec:
  acme:
    server: {PEBBLE_URL}
    termsOfServiceAgreed: true
    caBundleFile: {PEBBLE_CA}
    maxConnections: {max_connections}
    retryAfter: {retry_after}
    solvers: [{solver}]
"""
HTTP01 = '{{http01: {{listen: "127.0.0.1:{PEBBLE_HTTP_PORT}"}}}}'

CA_ISSUER = """\
apiVersion: certloop/v1
kind: Issuer
metadata: {name: own}
spec:
  ca: {generate: true}
"""

CERTIFICATE = """\
apiVersion: certloop/v1
kind: Certificate
metadata: {{name: {name}}}
spec:
  dnsNames: [{names}]
  issuerRef: {{name: {issuer}}}
"""


def certificate(name, issuer, dns_names="{name}.example.org"):
    return CERTIFICATE.format(name=name, issuer=issuer, names=dns_names.format(name=name))


def is_ready(path):
    try:
        status = json.loads(path.read_text())["status"]
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return any(c["type"] == "Ready" and c["status"] == "True" for c in status["conditions"])


class Certloop:
    def __init__(self, opts, folder, ca):
        self.opts, self.folder, self.ca = opts, folder, ca
        self.specs, self.state = folder / "acme.d", folder / "state"

    def __enter__(self):
        self.specs.mkdir(exist_ok=True)
        (self.folder / "secrets").mkdir(mode=0o700, exist_ok=True)
        (self.folder / "config").mkdir(exist_ok=True)
        port = int(self.ca.env["PEBBLE_HTTP_PORT"])
        self.metrics = f"127.0.0.1:{port + 1 if port % 2 else port - 1}"
        env = os.environ | {
            "CERTLOOP_SPECS": str(self.specs),
            "CERTLOOP_STATE": str(self.state),
            "CERTLOOP_SECRETS": str(self.folder / "secrets"),
            "CERTLOOP_CONFIG": str(self.folder / "config/certloop.yaml"),
        }
        command = [*shlex.split(self.opts.wrap), self.opts.certloop, "run"]
        self.log = open(self.folder / "daemon.log", "ab")
        self.child = subprocess.Popen(
            [*command, "--metrics", self.metrics], env=env, stderr=self.log, stdout=self.log
        )
        wait_for(lambda: self.ready() is not None, 0.05, "the daemon", 60)
        self.pid = self.child.pid
        if self.opts.wrap:
            self.pid = next(iter(children(self.pid)), self.pid)
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGTERM)
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
        self.log.close()

    def ready(self):
        """(Ready, all) certificates, or None while there is no answer."""
        if self.child.poll() is not None:
            raise SystemExit(f"bench: the daemon ended: {self.folder}/daemon.log")
        try:
            with urllib.request.urlopen(f"http://{self.metrics}/readyz", timeout=10) as answer:
                text = answer.read()
        except urllib.error.HTTPError as e:
            text = e.read()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None
        words = text.decode().split(":")[1].split()
        return int(words[0]), int(words[2])

    def put(self, name, text):
        temporary = self.specs / f".{name}.tmp"
        temporary.write_text(text)
        temporary.rename(self.specs / f"{name}.yaml")

    def dns(self, server, providers="/nowhere"):
        """Before it starts: which name server to ask, and the secret for it."""
        (self.folder / "config").mkdir(exist_ok=True)
        text = CONFIGURATION.format(server=server.server, providers=providers)
        (self.folder / "config/certloop.yaml").write_text(text)
        (self.folder / "secrets").mkdir(mode=0o700, exist_ok=True)
        for name, key in (("dns", "secret"), ("test-batch", "token")):
            path = self.folder / "secrets" / name
            path.mkdir(mode=0o700)
            (path / key).touch(0o600)
            (path / key).write_text(server.secret + "\n")
        return self

    def issuer(self, retry_after="EagerFirst", max_connections=2, solver=None):
        values = self.ca.env | {"retry_after": retry_after, "max_connections": max_connections}
        values["solver"] = solver or HTTP01.format(**values)
        self.put("issuer-pebble", ISSUER.format(**values))

    def ca_issuer(self):
        self.put("issuer-own", CA_ISSUER)

    def wait_issuer(self, name="pebble"):
        path = self.state / f"status/issuers/{name}.json"
        wait_for(lambda: is_ready(path), 0.05, f"issuer {name}", 60)

    def wait_ready(self, count):
        wait_for(lambda: self.ready() == (count, count), 0.2, f"{count} Ready certificates")

    def drop(self, names, **form):
        """Renames a spec for each name into the directory; seconds until all are Ready."""
        names, count = list(names), self.ready()[1]
        for name in names:
            (self.specs / f".{name}").write_text(certificate(name, "pebble", **form))
        start = time.time()
        for name in names:
            os.rename(self.specs / f".{name}", self.specs / f"{name}.yaml")
        self.wait_ready(count + len(names))
        # Asking often would cost the daemon time: the last status file tells when it was written.
        return max((self.state / f"status/{name}.json").stat().st_mtime for name in names) - start

    def one(self, name, issuer):
        path, seen = self.state / f"status/{name}.json", None
        temporary = self.specs / f".{name}"
        temporary.write_text(certificate(name, issuer))
        start = time.monotonic()
        os.rename(temporary, self.specs / f"{name}.yaml")

        def done():
            nonlocal seen
            with contextlib.suppress(FileNotFoundError):
                st = path.stat()
                if (st.st_ino, st.st_mtime_ns) != seen:  # a new version
                    seen = (st.st_ino, st.st_mtime_ns)
                    return is_ready(path)
            return False

        wait_for(done, 0.0003, name, 60)
        return time.monotonic() - start

    def cpu_ms(self):
        return process_ms(self.pid)

    def memory(self, field):
        """A line of /proc/PID/status, in MiB."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        raise KeyError(field)

    def switches(self):
        """How often any thread has gone to sleep so far."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
        return total


HTTPD = """\
ServerRoot {root}
PidFile {root}/pid
DefaultRuntimeDir {root}
ErrorLog {root}/error.log
LogLevel warn md:info
ServerName localhost
ServerAdmin admin@example.org
Listen 127.0.0.1:{PEBBLE_HTTP_PORT}
User www-data
Group www-data
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule md_module {modules}/mod_md.so
DocumentRoot {root}/docs
MDStoreDir {root}/md
MDCertificateAuthority {PEBBLE_URL}
MDCACertificateFile {PEBBLE_CA}
MDCertificateAgreement accepted
MDContactEmail admin@example.org
MDPrivateKeys secp256r1
MDCAChallenges http-01
MDPortMap http:{PEBBLE_HTTP_PORT} https:-
MDRenewMode always
MDStapling off
"""


class Apache:
    def __init__(self, folder, ca, names):
        self.root, self.ca, self.names = folder / "apache", ca, names

    def __enter__(self):
        modules = pathlib.Path("/usr/lib/apache2/modules")
        if not (modules / "mod_md.so").exists():
            raise SystemExit("bench: no mod_md: apt-get install apache2-bin (or --no-peer)")
        self.root.mkdir()
        (self.root / "docs").mkdir()
        text = HTTPD.format(root=self.root, modules=modules, **self.ca.env)
        text += "".join(f"MDomain {name}\n" for name in self.names)
        (self.root / "httpd.conf").write_text(text)
        self.log = open(self.root / "output.log", "wb")
        self.start = time.monotonic()
        self.child = subprocess.Popen(
            ["/usr/sbin/apache2", "-f", self.root / "httpd.conf", "-DFOREGROUND"],
            stdout=self.log, stderr=self.log,
        )  # fmt: skip
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(30)
        except subprocess.TimeoutExpired:
            self.child.kill()
        self.log.close()

    def wait_staged(self):
        staging = self.root / "md/staging"

        def done():
            if self.child.poll() is not None:
                raise SystemExit(f"bench: Apache ended: {self.root}/error.log")
            staged = [n for n in self.names if list((staging / n).glob("pubcert*.pem"))]
            return len(staged) == len(self.names)

        wait_for(done, 0.05, "mod_md")
        return time.monotonic() - self.start

    def cpu_ms(self):
        pids = [self.child.pid, *children(self.child.pid)]
        return sum(process_ms(pid) for pid in pids)
