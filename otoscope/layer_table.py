"""What can be tapped in a recogniser, and what was measured of one from elsewhere."""

from rich.console import Console
from rich.table import Table

from asr_models.adapter import Adapter
from asr_models.attachment import Attachment
from asr_models.layer import Layer
from asr_models.recogniser import Recogniser

PLAIN = ("layer", "depth", "stride", "offset", "states/s", "width", "features")
MEASURED = ("alone/padded", "stride found", "offset found")


def show_layers(recogniser: Recogniser, console: Console) -> None:
    """Print the layers; of an adapter also how far states differ alone and in a padded batch."""
    attachment = recogniser.attachment if isinstance(recogniser, Adapter) else None
    table = Table(title=type(recogniser).__name__, title_justify="left")
    for column in (*PLAIN, *(MEASURED if attachment else ())):
        table.add_column(column, justify="left" if column == "layer" else "right")
    rate = recogniser.log_mel.config["sample_rate"]
    for layer in recogniser.layers.values():
        found = _measured(attachment, layer.name) if attachment else ()
        table.add_row(*_row(layer, rate), *found)
    console.print(table)
    if attachment:
        console.print(_remarks(attachment), highlight=False)
    if not recogniser.has_classes:
        console.print("no output classes: word errors and masks do not apply", highlight=False)


def _row(layer: Layer, rate: int) -> list[str]:
    timing = layer.timing
    per_second = f"{rate / timing.stride:g}"
    numbers = (layer.depth, timing.stride, timing.offset, per_second, layer.width, layer.features)
    return [layer.name, *map(str, numbers)]


def _measured(attachment: Attachment, layer: str) -> list[str]:
    timing, difference = attachment.timing[layer], attachment.alone_vs_padded[layer]
    found = [timing.measured_stride, timing.measured_offset]
    return [f"{difference:.1e}", *("-" if value is None else f"{value:.1f}" for value in found)]


def _remarks(attachment: Attachment) -> str:
    if attachment.together:
        return "eval mode; a state alone equals the state in a padded batch"
    why = attachment.reason or f"states differ by {attachment.worst:.1e} in a padded batch"
    return f"eval mode; utterances of different length are heard one by one ({why})"
