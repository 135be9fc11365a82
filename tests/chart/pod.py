"""The pod of a rendered chart, laid out in a folder. In: manifests. Out: its files there, and the variables that its
container has, with that folder in place of the container's."""

import base64
import os

from rendering import REPOSITORY, one

KEYS = REPOSITORY / "tests" / "keys"
SECRET = b"0123456789abcdef0123456789abcdef"


def pod(manifests):
    return one(manifests, "Deployment")["spec"]["template"]["spec"]


def environment(container):
    return {variable["name"]: variable.get("value") for variable in container["env"]}


def mounted(manifests):
    """The files of /run/tls and /run/admin by folder: names and contents."""
    contents = {"token": token(manifests)}
    keys = {"crt": KEYS / "localhost.pem", "key": KEYS / "p256.pem"}
    spec = pod(manifests)
    mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
    folders = {}
    for volume in spec["volumes"]:
        path = mounts[volume["name"]]
        if path not in ("/run/tls", "/run/admin"):
            continue
        names = ["tls.crt", "tls.key"]  # the keys of a Secret of type kubernetes.io/tls
        if "projected" in volume:
            names = [item["path"] for source in volume["projected"]["sources"] for item in source["secret"]["items"]]
        assert len(set(names)) == len(names), names
        folders[path.rsplit("/")[-1]] = {
            name: contents[name] if name in contents else keys[name[-3:]].read_bytes() for name in names
        }
    return folders


def token(manifests):
    """Of operators: the chart's own, or one of an existing Secret."""
    made = [manifest for (kind, name), manifest in manifests.items() if kind == "Secret" and name.endswith("-admin")]
    return base64.b64decode(made[0]["data"]["token"]) if made else SECRET


def lay_out(manifests, folder):
    """Writes what the container finds into a folder that is empty, and returns its variables."""
    secrets = {name: SECRET for name in ("jwt_secret", "visitor_secret", "api_key", "redis_password")}
    for (kind, _), manifest in manifests.items():
        if kind == "Secret":
            secrets |= {name: base64.b64decode(value) for name, value in manifest["data"].items()}
    for name, files in {"secrets": secrets, **mounted(manifests)}.items():
        (folder / name).mkdir()
        for file, content in files.items():
            (folder / name / file).write_bytes(content)

    def here(text):
        return text.replace("/run/", f"{folder}/").replace("/var/lib/dragoman", f"{folder}/data")

    for name, text in one(manifests, "ConfigMap")["data"].items():
        (folder / name).write_text(here(text))
    (container,) = pod(manifests)["containers"]
    variables = {name: here(value) for name, value in environment(container).items() if value is not None}
    return variables | {"TOKEN_SECRET": SECRET.decode(), "PATH": os.environ["PATH"]}
