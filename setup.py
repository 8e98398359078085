"""Package metadata; the lower bounds are the oldest versions that the tests were run with."""

from pathlib import Path

from setuptools import find_packages, setup

VERSION = next(
    line.split('"')[1]
    for line in Path("streamface/__init__.py").read_text().splitlines()
    if line.startswith("__version__")
)

setup(
    name="streamface",
    version=VERSION,
    description="Real-time face analyser: find, follow and name people in video",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    packages=find_packages(include=["streamface", "streamface.*"]),
    package_data={"streamface": ["bundled/*.tflite", "capture/portraits/*", "web/static/*"]},
    python_requires=">=3.10",
    install_requires=[
        "ai-edge-litert>=1.2",  # runs the networks
        "av>=17.1",  # H.264 recording, exact timestamps
        "face_recognition_models>=0.3",  # carries dlib's face ResNet
        "gdown>=5.2",  # downloads published weights
        "h5py>=3.11",  # reads published weights
        "imutils>=0.5.4",  # lists pictures, resizes
        "manimgx-fonts>=2026.9",  # Noto fonts of some 20 scripts
        "manimgx-fonts-cjk>=2026.9",  # Noto Sans for Chinese, Japanese and Korean
        "mtcnn>=1.0",  # carries the weights of MTCNN
        "numpy>=1.26",
        "opencv-python>=4.10",
        "pandas>=2.2.3",  # the table of people
        "pillow>=11.3",  # picture formats that OpenCV lacks
        "pyyaml>=6.0",  # configuration files
        "scipy>=1.13",  # assignment in the tracker
        "tensorflow>=2.18",  # builds each network once; never loaded by a running stream
        "tqdm>=4.66",
        "uharfbuzz>=0.54",  # shapes and draws text in any script
        "watchdog>=4.0",  # tells of changes in the folder of people
    ],
    extras_require={
        "mqtt": ["paho-mqtt>=2.1"],
        "profile": ["matplotlib>=3.10"],  # the plot of --profile
        "monitoring": ["prometheus_client>=0.22"],
        "web": ["argon2-cffi>=23.1", "fastapi>=0.115", "python-multipart>=0.0.20", "uvicorn[standard]>=0.34"],
        "test": [
            "argon2-cffi>=23.1",
            "dlib-bin>=20.0",
            "fastapi>=0.115",
            "httpx2>=2.0",
            "matplotlib>=3.10",
            "motmetrics>=1.4",
            "paho-mqtt>=2.1",
            "playwright>=1.50",  # drives the system's Chromium
            "prometheus_client>=0.22",
            "psutil>=7.0",  # processes and what they hold
            "pytest>=9.0",
            "pytest-timeout>=2.4",
            "python-multipart>=0.0.20",
            "schemathesis>=4.0",
            "uvicorn[standard]>=0.34",
        ],
        "training": ["dlib-bin>=20.0", "matplotlib>=3.10", "torch>=2.9"],
    },
    entry_points={"console_scripts": ["streamface=streamface.cli:main"]},
)
