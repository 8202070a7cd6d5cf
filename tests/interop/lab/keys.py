# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates of the lab, made by `sallyport pki init`."""
import hashlib
import os
import subprocess

from .net import LabError


def pki_init(cli, folder, *options):
    """Run `sallyport pki init FOLDER OPTIONS...`."""
    done = subprocess.run([cli, "pki", "init", folder, *options], capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError("sallyport pki init: " + (done.stderr or done.stdout).strip())


def openssl_lab(folder, *names):
    """A lab CA and server certificates by the openssl command: for labs without a gateway.

    Each of names is NAME[+NAME...]: one certificate FOLDER/NAME.crt for all of them.
    """
    os.makedirs(folder, exist_ok=True)
    ca = folder + "/ca"
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", ca + ".key", "-out", ca + ".crt", "-subj", "/CN=lab", "-days", "2",
             "-addext", "basicConstraints=critical,CA:TRUE",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for spec in names:
        alt = spec.split("+")
        stem = folder + "/" + alt[0]
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-keyout", stem + ".key", "-out", stem + ".crt",
                 "-subj", "/CN=" + alt[0], "-days", "2", "-CA", ca + ".crt", "-CAkey", ca + ".key",
                 "-addext", "basicConstraints=critical,CA:FALSE",
                 "-addext", "extendedKeyUsage=serverAuth,clientAuth",
                 "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in alt))


def renew(folder, stem, *names, usage="serverAuth,clientAuth"):
    """A new certificate FOLDER/STEM.crt and key for these names, from FOLDER/ca."""
    ca = folder + "/ca"
    new = "%s/%s.new" % (folder, stem)
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", new + ".key", "-out", new + ".crt", "-subj", "/CN=" + names[0],
             "-days", "2", "-CA", ca + ".crt", "-CAkey", ca + ".key",
             "-addext", "basicConstraints=critical,CA:FALSE",
             "-addext", "extendedKeyUsage=" + usage,
             "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names))
    for end in (".key", ".crt"):
        os.replace(new + end, "%s/%s%s" % (folder, stem, end))


def self_signed(path, *names):
    """A certificate that vouches for itself, and its key, in one file."""
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", path + ".key", "-out", path, "-subj", "/CN=" + names[0], "-days", "2",
             "-addext", "basicConstraints=critical,CA:FALSE",
             "-addext", "extendedKeyUsage=serverAuth,clientAuth",
             "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names))
    with open(path, "a") as out, open(path + ".key") as key:
        out.write(key.read())
    os.remove(path + ".key")
    os.chmod(path, 0o600)


def key_digest(certificate):
    """SHA-256 of the key (SubjectPublicKeyInfo) of a certificate, in hexadecimal digits."""
    pem = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], capture_output=True,
                         check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem, capture_output=True,
                         check=True).stdout
    return hashlib.sha256(der).hexdigest()


def _openssl(*args):
    done = subprocess.run(["openssl", *args], capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError("openssl %s: %s" % (args[0], done.stderr.strip()))
