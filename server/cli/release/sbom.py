#!/usr/bin/env python3
"""What the program `pleach` is made of, as CycloneDX 1.5 in JSON on the standard output.

    server/cli/release/sbom.py [TARGET]

It reads Cargo.lock and the packages that cargo has fetched: what is linked into the program or runs when it is
built for TARGET (this machine without it), not what only tests need. The same sources give the same bytes.
"""
import json
import re
import subprocess
import sys
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def target():
    if len(sys.argv) > 1:
        return sys.argv[1]
    told = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    return re.search(r"host: (\S+)", told).group(1)


def checksums():
    """Of every package in Cargo.lock, by name and version."""
    found = {}
    for block in (ROOT / "Cargo.lock").read_text().split("[[package]]")[1:]:
        field = dict(re.findall(r'^(\w+) = "(.*)"$', block, re.M))
        found[field["name"], field["version"]] = field.get("checksum")
    return found


def main():
    wanted = target()
    metadata = json.loads(subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={wanted}"],
        capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    ours = next(it for it in packages if packages[it]["name"] == "pleach-cli")
    uses, waiting = {}, [ours]
    while waiting:
        package = waiting.pop()
        if package in uses:
            continue
        needed = [dependency["pkg"] for dependency in nodes[package]["deps"]
                  if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])]
        uses[package] = needed
        waiting += needed
    sums = checksums()

    def reference(package):
        return f"pkg:cargo/{packages[package]['name']}@{packages[package]['version']}"

    def component(package):
        it = packages[package]
        told = {
            "type": "application" if package == ours else "library",
            "bom-ref": reference(package), "name": "pleach" if package == ours else it["name"],
            "version": it["version"], "purl": reference(package),
        }
        if it.get("license"):
            told["licenses"] = [{"expression": it["license"].replace("/", " OR ")}]
        checksum = sums.get((it["name"], it["version"]))
        if checksum:
            told["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if it.get("repository"):
            told["externalReferences"] = [{"type": "vcs", "url": it["repository"]}]
        return told

    order = sorted(uses, key=reference)
    parts = [component(package) for package in order if package != ours]
    depends = [{"ref": reference(package), "dependsOn": sorted({reference(it) for it in uses[package]})}
               for package in order]
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([wanted, parts, depends]))
    print(json.dumps({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{number}", "version": 1,
        "metadata": {
            "component": component(ours), "properties": [{"name": "pleach:target", "value": wanted}],
        },
        "components": parts, "dependencies": depends,
    }, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
