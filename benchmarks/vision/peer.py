"""One peer over a folder of JPEGs, run by peers.py with the Python of the peer's own environment.

    python peer.py uniface|deepface|face_recognition FOLDER PACK

Each file goes from bytes to vectors, as the peer's documentation shows it. YuNet and SFace come from the pack
folder where the peer can run them. Prints the seconds for the folder, without the first file, and the faces.
"""

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

YUNET, SFACE = "face_detection_yunet_2023mar.onnx", "face_recognition_sface_2021dec.onnx"


def uniface(pack: Path) -> Callable[[Path], int]:
    """FaceAnalyzer, with the two models put into the package's own base classes."""
    import cv2
    import numpy as np
    from uniface import FaceAnalyzer
    from uniface.detection.base import BaseDetector
    from uniface.recognition.base import BaseRecognizer, PreprocessConfig
    from uniface.types import Face

    class YuNet(BaseDetector):
        supports_landmarks = supports_alignment = True

        def __init__(self) -> None:
            super().__init__()
            self.model = cv2.FaceDetectorYN.create(str(pack / YUNET), "", (0, 0), 0.6, 0.3)

        def preprocess(self, image: np.ndarray) -> np.ndarray:
            return image

        def postprocess(self, found: np.ndarray) -> np.ndarray:
            return found

        def detect(self, image: np.ndarray, **_: object) -> list[Face]:
            scale = min(1.0, 1280 / max(image.shape[:2]))
            small = cv2.resize(image, None, fx=scale, fy=scale) if scale < 1 else image
            self.model.setInputSize((small.shape[1], small.shape[0]))
            rows = self.model.detect(small)[1]
            rows = np.zeros((0, 15)) if rows is None else rows / ([scale] * 14 + [1])
            return [
                Face(bbox=row[:4], confidence=float(row[14]), landmarks=row[4:14].reshape(5, 2))
                for row in rows
            ]

    class SFace(BaseRecognizer):
        def __init__(self) -> None:
            super().__init__(
                model_path=str(pack / SFACE),
                preprocessing=PreprocessConfig(input_mean=0.0, input_std=1.0),
                providers=["CPUExecutionProvider"],
            )

    analyzer = FaceAnalyzer(detector=YuNet(), recognizer=SFace())

    def process(path: Path) -> int:
        faces = analyzer.analyze(cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR))
        assert all(face.embedding is not None for face in faces)
        return len(faces)

    return process


def deepface(pack: Path) -> Callable[[Path], int]:
    """DeepFace.represent with the detector 'yunet' and the model 'SFace'."""
    from deepface import DeepFace
    from deepface.commons import folder_utils

    folder_utils.initialize_folder()
    weights = Path(folder_utils.get_deepface_home()) / ".deepface" / "weights"
    for name in (YUNET, SFACE):
        shutil.copy(pack / name, weights / name)

    def process(path: Path) -> int:
        return len(
            DeepFace.represent(
                str(path), model_name="SFace", detector_backend="yunet", enforce_detection=False
            )
        )

    return process


def face_recognition(_pack: Path) -> Callable[[Path], int]:
    """face_encodings, with its own detector (HOG) and embedder (dlib)."""
    import face_recognition as peer

    return lambda path: len(peer.face_encodings(peer.load_image_file(str(path))))


if __name__ == "__main__":
    name, folder, pack = sys.argv[1:]
    process = {"uniface": uniface, "deepface": deepface, "face_recognition": face_recognition}[name](
        Path(pack)
    )
    first, *rest = sorted(Path(folder).glob("*.jpg"))
    process(first)
    start = time.perf_counter()
    faces = sum(process(path) for path in rest)
    print(time.perf_counter() - start, len(rest), faces)
