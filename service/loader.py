"""Archives become served models: loaded, checked and warm."""

from service.engine import Engine
from service.registry import AUTO, ServedModel
from service.settings import Settings, SettingsError, StartError


def load_models(settings: Settings, engine: Engine) -> list[ServedModel]:
    """The settings' archives, loaded, checked and warm. Raises StartError for the first that is not
    usable, SettingsError where they contradict the settings."""
    for path in settings.models:
        # Said before torch's import, which takes seconds.
        if not path.is_file():
            raise StartError(f"there is no model at {path}; name one with --model or MODEL")
    from model import archive
    from model.recognizer import MAX_WINDOW, Recognizer

    if settings.batch_tokens < MAX_WINDOW:
        raise SettingsError(
            f"batch_tokens ({settings.batch_tokens:,}) is smaller than the longest window ({MAX_WINDOW:,} tokens)"
        )
    models: list[ServedModel] = []
    for path in settings.models:
        try:
            loaded = archive.load(path, _device(settings.device))
            recognizer = Recognizer(loaded)
            engine.warm_up(recognizer, loaded.self_check)
        except archive.ArchiveError as error:
            raise StartError(str(error)) from None
        if loaded.name in [model.name for model in models]:
            raise StartError(f"{path} is the second model that is named {loaded.name}")
        if loaded.name == AUTO:
            raise StartError(f"{path} is a model that is named {AUTO}, which stands for any")
        models.append(ServedModel(loaded.name, recognizer, loaded.card))
    return models


def _device(device: str) -> str:
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise StartError("device is cuda, but torch finds no CUDA device; use --device cpu or auto")
    return ("cuda" if available else "cpu") if device == "auto" else device
