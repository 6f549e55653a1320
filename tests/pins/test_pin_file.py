"""The file of pins: read in a diff, written by several processes, damaged by hand."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.pins import PinStatus, read_pins, update_pins
from rockbottom.pins.errors import DamagedPins, NameTaken, PinsNotWritable
from rockbottom.pins.pin import pin_of
from rockbottom.pins.pin_file import text_of, text_path
from rockbottom.pins.prefix import read_prefix
from tests.pins.pinned_requests import ON, RULES, accepted, gate, judged, rendering, support


def test_a_pin_read_back_is_the_pin_written(pins: Path):
    """Every member of it."""
    accepted(pins, support(), requests_per_month=200_000)
    first = read_pins(pins)
    assert first["support"].requests_per_month == 200_000
    assert first["support"].priced_on == ON
    pins.write_text(text_of(first))
    assert read_pins(pins) == first


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_any_name_and_source_survives_the_file(name: str, source: str):
    """Quotes, line breaks, dots, DEL; halves of surrogate pairs, which TOML cannot hold, become a replacement."""
    import tomllib

    pin = pin_of(name, source, read_prefix(support("Be polite."), on=ON), None, None, ON)
    table = tomllib.loads(text_of({name: pin}))["prompts"]
    whole = {name.encode("utf-8", "replace").decode(): source.encode("utf-8", "replace").decode()}
    assert [one["source"].replace("�", "?") for one in table.values()] == list(whole.values())


def test_one_changed_prompt_changes_its_own_table_only(pins: Path):
    """So that a diff shows what a reviewer has to read."""
    one = gate(pins)
    one.accept(
        [one.judged(rendering(support(), name="a")), one.judged(rendering(support(), name="b", source="b.json"))]
    )
    before = pins.read_text().splitlines()
    two = gate(pins)
    two.accept([two.judged(rendering(support(RULES + "!"), name="b", source="b.json"))])
    changed = set(pins.read_text().splitlines()) ^ set(before)
    assert changed
    assert all(line.startswith(("prefix", "tokens", "sections", "usd", '  "system[0]')) for line in changed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 1\nprompts = [ x", "line 2"),
        ("format = 2\n", "format is 2"),
        ("", "format is none"),
        ('format = 1\n[prompts."a"]\nsource = "x"\n', "model"),
        ("format = 1\nprompts = 3\n", "not a table"),
        ("format = 1\n[prompts", "end of document"),
        ("format = 1\n<<<<<<< HEAD\n", "merge conflict"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(pins: Path, text: str, said: str):
    """Truncated, of another format, without a member, in the middle of a merge."""
    pins.write_text(text)
    with pytest.raises(DamagedPins, match=said):
        read_pins(pins)


def test_two_tables_of_one_name_are_refused(pins: Path):
    """As a careless merge leaves them."""
    accepted(pins, support())
    text = pins.read_text()
    pins.write_text(text + text[text.index("[prompts") :])
    with pytest.raises(DamagedPins, match="support"):
        read_pins(pins)


def test_a_file_of_other_bytes_is_refused(pins: Path):
    """No traceback of a decoder."""
    pins.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DamagedPins, match="UTF-8"):
        read_pins(pins)


def test_a_folder_that_takes_no_file_is_one_clear_error(pins: Path):
    """And no half-written file is left. (A file stands where the folder should be: root may write everywhere.)"""
    pins.parent.joinpath("taken").write_text("")
    with pytest.raises(PinsNotWritable, match="cannot be written"):
        accepted(pins.parent / "taken" / "rockbottom-pins.toml", support())


@pytest.mark.skipif(os.name == "nt", reason="rights of folders are another matter there")
def test_a_read_only_folder_keeps_the_old_pins(pins: Path):
    """Checking works there; accepting fails and changes nothing."""
    accepted(pins, support())
    before = pins.read_bytes()
    pins.parent.chmod(0o555)
    try:
        assert judged(pins, support()).status is PinStatus.UNCHANGED
        if os.geteuid() != 0:
            with pytest.raises(PinsNotWritable):
                accepted(pins, support(RULES + "!"))
    finally:
        pins.parent.chmod(0o755)
    assert pins.read_bytes() == before or os.geteuid() == 0


def test_processes_that_accept_at_once_lose_no_pin(pins: Path):
    """Eight of them, five pins each."""
    script = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from rockbottom.pins import read_pins, update_pins\n"
        "path, number = Path(sys.argv[1]), sys.argv[2]\n"
        "pin = read_pins(path)['support']\n"
        "for n in range(5): name = f'{number}-{n}'; update_pins(path, {name: replace(pin, name=name)})\n"
    )
    accepted(pins, support())
    running = [subprocess.Popen([sys.executable, "-c", script, str(pins), str(number)]) for number in range(8)]
    assert [process.wait() for process in running] == [0] * 8
    assert len(read_pins(pins)) == 1 + 8 * 5


def test_nothing_is_left_among_the_temporary_files(pins: Path, monkeypatch: pytest.MonkeyPatch):
    """Accepting prompts in many projects leaves a file in none of them but the pins."""
    scratch = pins.parent / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    accepted(pins, support())
    update_pins(pins, {})
    assert list(scratch.iterdir()) == []


def test_a_process_killed_while_it_writes_leaves_whole_pins_and_no_lock(pins: Path):
    """Killed at five moments: the file can be read, the next one writes at once, no scrap stays."""
    script = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from rockbottom.pins import read_pins, update_pins\n"
        "path = Path(sys.argv[1]); pin = read_pins(path)['support']; print('ready', flush=True)\n"
        "for n in range(100_000): update_pins(path, {f'more {n % 40}': replace(pin, name=f'more {n % 40}')})\n"
    )
    accepted(pins, support())
    for number in range(5):
        writer = subprocess.Popen([sys.executable, "-c", script, str(pins)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(0.013 * (number + 1))
        writer.kill()
        writer.communicate()
        assert "support" in read_pins(pins)
        accepted(pins, support())
        update_pins(pins, {})
    assert [path.name for path in pins.parent.iterdir()] == [pins.name]


def test_a_name_that_another_process_took_meanwhile_is_refused(pins: Path):
    """Two prompts under one name would overwrite each other in turn."""
    one, two = gate(pins), gate(pins)
    one.accept([one.judged(rendering(support()))])
    with pytest.raises(NameTaken, match="support"):
        two.accept([two.judged(rendering(support(RULES + "!"), source="other.json"))])


def test_two_prompts_of_one_name_in_a_run_are_refused(pins: Path):
    """With the sources of both."""
    one = gate(pins)
    one.judged(rendering(support(), source="one.json"))
    one.judged(rendering(support(), source="same.json"))
    with pytest.raises(NameTaken, match=r"one\.json and two\.json"):
        one.judged(rendering(support(RULES + "!"), source="two.json"))


def test_a_renamed_prompt_takes_its_pin_along(pins: Path):
    """The same prefix from the same source: not pinned under the new name, and accepting leaves one pin."""
    accepted(pins, support(), requests_per_month=1000)
    one = gate(pins)
    verdict = one.judged(rendering(support(), name="clerk"))
    assert verdict.status is PinStatus.NEW
    assert any("pinned as support" in note for note in verdict.notes)
    one.accept([verdict])
    assert {name: pin.requests_per_month for name, pin in read_pins(pins).items()} == {"clerk": 1000}


def test_accepting_keeps_what_is_known_of_the_traffic(pins: Path):
    """A number given once is used until another is given."""
    accepted(pins, support(), requests_per_month=1000)
    accepted(pins, support(RULES + "!"))
    assert read_pins(pins)["support"].requests_per_month == 1000
    accepted(pins, support(RULES + "!"), requests_per_month=2000)
    assert read_pins(pins)["support"].requests_per_month == 2000


def test_pins_of_others_stay_when_one_is_accepted(pins: Path):
    """Also those that were added after this run began."""
    accepted(pins, support())
    one = gate(pins)
    pin = read_pins(pins)["support"]
    update_pins(pins, {"late": replace(pin, name="late")})
    one.accept([one.judged(rendering(support(RULES + "!")))])
    assert set(read_pins(pins)) == {"support", "late"}


def test_a_text_is_its_owners_alone_and_the_pins_are_for_all(pins: Path):
    """Pins are committed and hold no text; the text beside them is the prompt."""
    accepted(pins, support(), with_text=True)
    assert pins.stat().st_mode & 0o777 == 0o644
    assert text_path(pins, "support").stat().st_mode & 0o777 == 0o600


def test_texts_of_names_that_look_alike_lie_in_files_of_their_own(pins: Path):
    """A name may hold what a file name may not."""
    paths = {text_path(pins, name) for name in ("a/b", "a b", "a-b", "../a-b", "ü")}
    assert len(paths) == 5
    assert all(path.parent == pins.with_suffix(".text") for path in paths)


def test_counted_tokens_are_kept_as_counted(pins: Path):
    """Two numbers that must not be mixed up."""
    one = gate(pins)
    one.accept([one.judged(rendering(support()), counted_tokens=5432)])
    pin = read_pins(pins)["support"]
    assert (pin.tokens, pin.counted) == (5432, True)


def test_digests_are_formed_as_pins_of_this_format_have_them():
    """From the definition, with hashlib alone. Where this fails FORMAT must grow, or every pin breaks for nothing."""

    def digest(kind: str, *parts: bytes) -> bytes:
        joined = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return blake2b(f"{kind}\0\0".encode() + joined, digest_size=16).digest()

    seed = digest("seed", b"effort=high", b"schema=", b"thinking=disabled")
    block = digest("text", b"Be polite.")
    prefix = read_prefix({**support("Be polite."), "toolConfig": {}}, on=ON)
    assert prefix.hash == blake2b(seed + block, digest_size=16).hexdigest()
    assert prefix.blocks[0].digest == block.hex()[:16]
