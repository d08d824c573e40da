"""What comes from a registry is what was looked at when it was pinned."""

from pathlib import Path

import pytest

from tests.peers.shopify_schema import check_integrity


def test_a_package_with_another_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dev-mcp.tgz").write_bytes(b"somebody else's")

    with pytest.raises(ValueError, match="whose hash is pinned"):
        check_integrity(tmp_path / "dev-mcp.tgz")
