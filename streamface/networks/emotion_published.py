"""The published emotion network as a Keras graph: 48x48 grey pixels to seven probabilities.

Source: Serengil and Ozpinar, "HyperExtended LightFace", ICEET 2021 (MIT), trained on FER2013, whose pictures were
divided by 255.

The graph takes raw pixels, (N, 48, 48, 1) float32 grey of 0..255.
"""

from __future__ import annotations

from pathlib import Path

INPUT_PX = 48
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
PARAMETERS = 1_485_831
# Each row: what comes next and its numbers. conv: filters, side; max and mean: side of the pooling; dense: width.
LAYERS = (
    ("conv", 64, 5),
    ("max", 5),
    ("conv", 64, 3),
    ("conv", 64, 3),
    ("mean", 3),
    ("conv", 128, 3),
    ("conv", 128, 3),
    ("mean", 3),
    ("flatten",),
    ("dense", 1024),
    ("dense", 1024),
)


def build(weights: str):
    """The Keras model with the weights of the published file (.h5)."""
    from streamface.runtime import legacy_h5

    model = graph()
    legacy_h5.load(model, Path(weights))
    return model


def graph():
    """The Keras model without weights."""
    import keras
    from keras import layers

    make = {
        "conv": lambda filters, side: layers.Conv2D(filters, side, activation="relu"),
        "max": lambda side: layers.MaxPooling2D(side, 2),
        "mean": lambda side: layers.AveragePooling2D(side, 2),
        "flatten": layers.Flatten,
        "dense": lambda width: layers.Dense(width, activation="relu"),
    }
    image = keras.Input((INPUT_PX, INPUT_PX, 1), name="image")
    x = image / 255.0
    for kind, *numbers in LAYERS:
        x = make[kind](*numbers)(x)
    return keras.Model(image, layers.Dense(len(LABELS), activation="softmax")(x), name="emotion_published")
