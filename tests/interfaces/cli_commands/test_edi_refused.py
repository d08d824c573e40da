"""A file in which anything is refused ends with 1, however much else is let pass."""

import subprocess
import sys
from pathlib import Path

from tests.unit.connectivity.edi.x12.interchanges import interchange


def test_an_error_behind_very_many_warnings_is_told(tmp_path: Path) -> None:
    lines = ["PO1*1*12*EA*9.25*PE*UP*012345678900"] * 250
    text = interchange(("BEG*00*SA*4711**20261128", *lines, "PO1*X*notanumber"))
    (tmp_path / "order.edi").write_text(text)

    words = [sys.executable, "-m", "crossdock", "edi", "validate", str(tmp_path / "order.edi")]
    checked = subprocess.run(words, check=False, capture_output=True, text=True)

    assert checked.returncode == 1
    assert "1 errors, 200 warnings" in checked.stdout
    assert "PO102" in checked.stdout
