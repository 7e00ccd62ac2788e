"""Makes docs/prompt.svg: an operator at the prompt of a router, in a real terminal (tmux).

    python scripts/record_prompt.py            # types the session, and writes the file
    python scripts/record_prompt.py --check    # types the session, and fails unless the file shows what the terminal shows

The lab is that of `make run`. Each step of `STEPS` presses keys, and waits for the last rows of the screen. The drawing has a frame
for each step.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.tmux import Terminal, terminal  # noqa: E402 - the terminal and the lab of the tests
from tests.e2e.tools import AGENT  # noqa: E402
from tests.ssh_lab import HUB, ssh_lab  # noqa: E402

FILE = ROOT / "docs" / "prompt.svg"
COLUMNS, ROWS = 80, 20
EXEC, CONFIGURE, POLICY = f"{HUB}#", f"{HUB}(config)#", f"{HUB}(config-isakmp)#"
MORE = " --More--"

# What is pressed (tmux's names of keys, and text after "="), the last rows that then appear, and what the frame shows of it.
STEPS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("C-l",), (EXEC, EXEC)),
    (("=sh",), (f"{EXEC}sh",)),
    (("Tab",), (f"{EXEC}show",)),
    (("=crypto isakmp ?",), ("", f"{EXEC}show crypto isakmp")),
    (("=pol", "Tab"), (f"{EXEC}show crypto isakmp policy",)),
    (("Enter",), (MORE,)),
    (("Space",), (EXEC,)),
    (("=configure terminal", "Enter"), (CONFIGURE,)),
    (("=crypto isakmp policy 10", "Enter"), (POLICY,)),
    (("=group 3", "Enter"), ("% Invalid input detected at '^' marker.", "", POLICY)),
    (("=group ?",), (MORE,)),
    (("Space",), ("", f"{POLICY}group")),
    (("=14",), (f"{POLICY}group 14",)),
    (("C-a", "=no ", "C-e"), (f"{POLICY}no group 14",)),
    (("C-z",), (f"{POLICY}no group 14^Z", EXEC)),
    (("=show history", "Enter"), ("  configure terminal", "  show history", EXEC)),
    (("Up", "Up", "Up"), (f"{EXEC}show crypto isakmp policy",)),
    (("=  | count Diffie", "Enter"), (EXEC,)),
)
TERMINAL_LENGTH = 10  # rows of a page: shorter than the screen, so that there is more than one

CHARACTER, LINE, MARGIN = 8.1, 19, 16  # sizes in the drawing
FRAME = 1.4  # seconds
STYLE = """
  rect { fill: #14191f; }
  .cursor { fill: #7ee787; }
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; white-space: pre; }
  @media (prefers-reduced-motion: reduce) { g { animation: none !important; } }
"""

Frame = tuple[list[str], tuple[int, int]]  # the rows, and column and row of the cursor


def command(state: Path) -> list[str]:
    return [*AGENT, "cli", "--state-dir", str(state), "--router", HUB]


def play(screen: Terminal) -> list[Frame]:
    """Type the session; what the terminal shows after each step."""
    screen.shows(EXEC)
    for line in (f"terminal length {TERMINAL_LENGTH}", "terminal no history", "terminal history size 20"):
        screen.line(line)
        screen.shows(f"{EXEC}{line}", EXEC)
    frames: list[Frame] = []
    for keys, rows in STEPS:
        for key in keys:
            if key.startswith("="):
                screen.type(key[1:])
            else:
                screen.press(key)
        screen.shows(*rows)
        frames.append((screen.rows, screen.place))
    return frames


def draw(frames: list[Frame]) -> str:
    """The frames as an SVG image, one after another. A viewer that does not animate shows the last."""
    width, height = round(COLUMNS * CHARACTER) + 2 * MARGIN, ROWS * LINE + 2 * MARGIN
    size = f'width="{width}" height="{height}"'
    whole = FRAME * (len(frames) + 1)
    styles, drawn = [STYLE], []
    for number, (rows, (column, row)) in enumerate(frames):
        last = number + 1 == len(frames)
        begin, end = 100 * FRAME * number / whole, 100.0 if last else 100 * FRAME * (number + 1) / whole
        first = "" if not number else "0% { opacity: 0; } "
        styles.append(
            f"  @keyframes f{number} {{ {first}{begin:.2f}% {{ opacity: 1; }} {end:.2f}% {{ opacity: {int(last)}; }} }}\n"
        )
        shown = "" if last else ' opacity="0"'
        drawn.append(f'<g{shown} style="animation: f{number} {whole:.1f}s step-end infinite">')
        x, y = MARGIN + column * CHARACTER, MARGIN + row * LINE
        drawn.append(f'<rect class="cursor" x="{x:.1f}" y="{y}" width="{CHARACTER}" height="{LINE - 2}"/>')
        for place, text in enumerate(rows):
            if text:
                drawn.append(f'<text x="{MARGIN}" y="{MARGIN + LINE * place + 14}">{escape(text)}</text>')
        drawn.append("</g>")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size} role="img">',
        "<!-- made by scripts/record_prompt.py: change that, and run it -->",
        "<title>the prompt: completion, help, a page, configure mode, an error, editing, history</title>",
        f"<style>{''.join(styles)}</style>",
        f'<rect {size} rx="8"/>',
        *drawn,
        "</svg>\n",
    ])  # fmt: skip


def record() -> str:
    with tempfile.TemporaryDirectory() as folder, ssh_lab(sys.executable, Path(folder)) as lab:
        state = lab.folder / "state"
        with terminal(Path(folder), command(state), (COLUMNS, ROWS)) as screen:
            return draw(play(screen))


def main() -> int:
    parser = argparse.ArgumentParser(description="Record an operator at the prompt, as an SVG image.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail unless the file shows what the terminal shows")
    options = parser.parse_args()
    drawn = record()
    if not options.check:
        FILE.write_text(drawn)
    elif drawn != FILE.read_text():
        print(f"{FILE} is not what the terminal shows: make recording", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
