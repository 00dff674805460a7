"""T, the number of steps, which weights do not say: from the input, the user, the file's args, or a default."""

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.options import FILE, INPUT, STEPS, USER, Options, whole
from snn2chip.readers.types import ReadRequest


def steps_of(o: Options, request: ReadRequest, default: int, name: str = "T") -> int:
    """T: of the frames, else of --steps or the option, else of the file's arguments, else the authors' default.

    `name`: what the authors' code calls it; the option T is understood as well.
    """
    options = [request.options.get(n) for n in dict.fromkeys(("T", name))]
    said = [whole("T", v) for v in (request.steps, *options) if v is not None]
    frames = [] if request.frames is None else [request.frames]
    wanted = {*frames, *said}
    if len(wanted) > 1:
        where = "the input's frames and the options" if frames else "--steps and --option T"
        raise Snn2ChipError(
            "option-contradicts",
            "T",
            f"{where} disagree",
            have=" and ".join(map(str, sorted(wanted))),
        )
    stored = o.args.get("T")
    trained = whole("T in the file's args", stored) if stored is not None else None
    if not wanted and trained is None:
        return o.default(
            "T", default, "the authors' default; neither the file nor an option says it"
        )
    steps = next(iter(wanted), trained or default)
    o.take("T", steps, _source(request, said))
    if trained is not None and trained != steps:
        o.assumed.append(f"T = {steps}, though the file's args say {trained}")
    return steps


def _source(request: ReadRequest, said: list[int]) -> str:
    """Where T comes from: the first of those that say it; all of them agree."""
    if request.frames is not None:
        return INPUT
    if not said:
        return FILE
    return STEPS if request.steps else USER
