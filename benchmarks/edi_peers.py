"""The other side of `bench edi`: one library reads a file, in an environment of its own.

`python -m benchmarks.edi_peers NAME FILE` prints one JSON object: the CPU that it took, and the
peak of its memory. Each is asked for the most that it checks.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def _pyx12(file: Path) -> None:
    from pyx12.x12file import X12Reader  # noqa: PLC0415  # one library is loaded, and measured

    with X12Reader(str(file)) as reader:
        for _ in reader:
            reader.pop_errors()


def _x12_doctor(file: Path) -> None:
    from x12doctor import diagnose  # noqa: PLC0415 - only the environment of the peers has it

    diagnose(file.read_text("latin-1"))


def _mock_edi_x12(file: Path) -> None:
    from mockedi import validate, x12  # noqa: PLC0415 - only the environment of the peers has it

    validate.validate(x12.parse(file.read_text("latin-1")))


def _mock_edi_edifact(file: Path) -> None:
    from mockedi import edifact, validate  # noqa: PLC0415 - only the environment of the peers has it

    validate.validate(edifact.parse(file.read_text("latin-1")))


def _pydifact(file: Path) -> None:
    from pydifact.segmentcollection import Interchange  # noqa: PLC0415 - only the environment of the peers has it

    found = Interchange.from_str(file.read_text("latin-1"))
    for message in found.get_messages():
        message.validate()


X12: Mapping[str, Callable[[Path], None]] = {
    "pyx12": _pyx12,
    "x12-doctor": _x12_doctor,
    "mock-edi": _mock_edi_x12,
}
EDIFACT: Mapping[str, Callable[[Path], None]] = {
    "pydifact": _pydifact,
    "mock-edi": _mock_edi_edifact,
}


def peak_mib() -> float:
    """Say how much memory this process has had at most."""
    status = Path("/proc/self/status").read_text()
    [line] = [one for one in status.splitlines() if one.startswith("VmHWM")]
    return round(int(line.split()[1]) / 1024, 1)


def main() -> None:
    name, file = sys.argv[1], Path(sys.argv[2])
    reads = (X12 if file.name[:1].isdigit() else EDIFACT)[name]
    began = time.process_time()
    reads(file)
    cpu = time.process_time() - began
    print(json.dumps({"cpu_seconds": round(cpu, 4), "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
