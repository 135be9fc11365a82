"""Certificates made with OpenSSL, for a test and no longer. In: a folder. Out: authorities, and what they sign."""

import datetime
import subprocess

CONFIG = """
[ req ]
distinguished_name = name
prompt             = no
[ name ]
CN = {name}
[ authority ]
basicConstraints = critical, CA:true
keyUsage         = critical, keyCertSign
[ signed ]
basicConstraints = critical, CA:false
keyUsage         = critical, digitalSignature
{names}
"""


class Authority:
    """A key that signs; `NAME.crt` in its folder is what those trust who believe it."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.certificate = folder / f"{name}.crt"
        config = self._config(name, "")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                      "-config", config, "-extensions", "authority", "-keyout", folder / f"{name}.key", "-out", self.certificate)

    def sign(self, name, alternative_names="", days=30):
        """`NAME.crt` and `NAME.key`; of fewer than 0 days: one that has ended. `alternative_names` as OpenSSL writes them."""
        names = f"subjectAltName = {alternative_names}" if alternative_names else ""
        config = self._config(name, names)
        request, key, certificate = (self.folder / f"{name}.{end}" for end in ("csr", "key", "crt"))
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-config", config, "-keyout", key, "-out", request)
        # `openssl x509` of OpenSSL 3.0 counts days from now only; `openssl ca` can say both ends.
        now = datetime.datetime.now(datetime.UTC)
        ends = now + datetime.timedelta(days=days)
        begins = min(now, ends) - datetime.timedelta(days=1)
        database = self.folder / "database.txt"
        database.write_text("")
        authority = self.folder / "ca.cnf"
        authority.write_text(f"""
[ ca ]
default_ca = this
[ this ]
database       = {database}
new_certs_dir  = {self.folder}
rand_serial    = yes
default_md     = sha256
policy         = policy
copy_extensions = none
[ policy ]
commonName = supplied
""")
        self._openssl("ca", "-batch", "-notext", "-config", authority, "-extfile", config, "-extensions", "signed",
                      "-cert", self.certificate, "-keyfile", self.folder / f"{self.name}.key",
                      "-startdate", f"{begins:%Y%m%d%H%M%SZ}", "-enddate", f"{ends:%Y%m%d%H%M%SZ}", "-in", request, "-out", certificate)
        return certificate, key

    def _config(self, name, names):
        file = self.folder / f"{name}.cnf"
        file.write_text(CONFIG.format(name=name, names=names))
        return file

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
