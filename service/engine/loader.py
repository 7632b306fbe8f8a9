"""An archive on disk becomes a served model: loaded, checked and warm. At start, and again when it has changed."""

from collections.abc import Sequence
from pathlib import Path

from nerve.service.engine.engine import Engine
from nerve.service.engine.registry import AUTO, ServedModel, Stamp
from nerve.service.settings import Settings, SettingsError, StartError


def load_models(settings: Settings, engine: Engine) -> Sequence[ServedModel]:
    """The settings' archives, loaded, checked and warm. Raises StartError for the first that is not
    usable, SettingsError where they contradict the settings."""
    for path in settings.models:
        # Said before torch's import, which takes seconds.
        if not path.is_file():
            raise StartError(f"there is no model at {path}; name one with --model or MODEL")
    from nerve.model.recognizer import MAX_WINDOW

    if settings.batch_tokens < MAX_WINDOW:
        raise SettingsError(
            f"batch_tokens ({settings.batch_tokens:,}) is smaller than the longest window ({MAX_WINDOW:,} tokens)"
        )
    models: list[ServedModel] = []
    for path in settings.models:
        model = load_model(path, settings.device, engine)
        if model.name in [other.name for other in models]:
            raise StartError(f"{path} is the second model that is named {model.name}")
        if model.name == AUTO:
            raise StartError(f"{path} is a model that is named {AUTO}, which stands for any")
        models.append(model)
    return models


def load_model(path: Path, device: str, engine: Engine) -> ServedModel:
    """One archive, loaded in the calling thread, then checked and warmed in the engine's. Raises StartError."""
    from nerve.model import archive
    from nerve.model.recognizer import Recognizer

    try:
        # Before it is read: should it change meanwhile, it counts as changed.
        stamp = Stamp.of(path)
        loaded = archive.load(path, device)
        recognizer = Recognizer(loaded)
        engine.warm_up(recognizer, loaded.self_check)
    except archive.ArchiveError as error:
        raise StartError(str(error)) from None
    return ServedModel(loaded.name, recognizer, loaded.card, loaded.digest, stamp)
