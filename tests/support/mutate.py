"""Bytes like some valid ones: what a decoder must refuse by name, or take for what it is."""

from collections.abc import Sequence

from hypothesis import strategies as st


def mutated(valid: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of `valid` with some bytes flipped, cut out, doubled or put in."""

    def change(data: bytes, place: int, how: int, other: bytes) -> bytes:
        at = place % (len(data) + 1)
        match how:
            case 0:
                return (
                    data[:at]
                    + bytes(b ^ 1 << place % 8 for b in data[at : at + 1])
                    + data[at + 1 :]
                )
            case 1:
                return data[:at] + other + data[at + len(other) :]
            case 2:
                return data[:at] + other + data[at:]
            case 3:
                return data[:at] + data[at + 1 + len(other) :]
            case _:
                return data[:at]

    return st.builds(
        change,
        st.sampled_from(list(valid)),
        st.integers(0, 1 << 20),
        st.integers(0, 4),
        st.binary(max_size=4),
    )
