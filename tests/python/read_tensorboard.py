"""Reads the event files of a folder with TensorBoard's own reader and prints them as JSON."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.util import tensor_util
from tensorboard.util.img_mime_type_detector import from_bytes

everything = {kind: 0 for kind in ("scalars", "images", "histograms", "tensors")}
events = EventAccumulator(sys.argv[1], size_guidance=everything)
events.Reload()
tags = events.Tags()
config = events.Tensors("custom_scalars__config__")[-1].tensor_proto
layout = layout_pb2.Layout.FromString(tensor_util.make_ndarray(config).item())
print(
    json.dumps(
        {
            "scalars": {
                tag: [[event.step, event.value] for event in events.Scalars(tag)]
                for tag in tags["scalars"]
            },
            "images": {
                tag: [
                    [event.step, event.width, event.height, from_bytes(event.encoded_image_string)]
                    for event in events.Images(tag)
                ]
                for tag in tags["images"]
            },
            "histograms": {
                tag: [[event.step, event.histogram_value.num] for event in events.Histograms(tag)]
                for tag in tags["histograms"]
            },
            "charts": [chart.title for category in layout.category for chart in category.chart],
        }
    )
)
