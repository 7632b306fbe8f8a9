"""Makes served models of archives on disk: loads, checks and warms them up, at start and when they have changed."""

from collections.abc import Sequence
from pathlib import Path

from nerve.model.bundled import AUTO
from nerve.service.engine.engine import Engine
from nerve.service.engine.registry import ServedModel, Stamp
from nerve.service.engine.snapshot import Snapshot
from nerve.service.observability.failures import log_failure
from nerve.service.settings import Settings, SettingsError, StartError


def check_paths(paths: Sequence[Path]) -> None:
    """Check that there are files at these paths, before torch is imported, which takes seconds.

    Raises:
        StartError: for the first that is missing.
    """
    for path in paths:
        if not path.is_file():
            raise StartError(f"there is no model at {path}; name one with --model or MODEL")


def load_models(settings: Settings, engine: Engine, snapshots: Sequence[Snapshot] = ()) -> Sequence[ServedModel]:
    """Load the archives that the settings name.

    Args:
        settings: name the archives.
        engine: in whose thread the models are checked and warmed up.
        snapshots: of all archives in their order; if there are none, the archives themselves are read.

    Raises:
        StartError: for the first archive that cannot be served.
        SettingsError: if the archives contradict the settings.
    """
    if not snapshots:
        check_paths(settings.models)
    from nerve.model.recognizer import MAX_WINDOW

    if settings.batch_tokens < MAX_WINDOW:
        raise SettingsError(
            f"batch_tokens ({settings.batch_tokens:,}) is smaller than the longest window ({MAX_WINDOW:,} tokens)"
        )
    models: list[ServedModel] = []
    for source in snapshots or settings.models:
        model = load_model(source, settings, engine)
        path = model.stamp.path
        if model.name in [other.name for other in models]:
            raise StartError(f"{path} is the second model that is named {model.name}")
        if model.name == AUTO:
            raise StartError(f"{path} is a model that is named {AUTO}, which stands for any")
        models.append(model)
    return models


def load_model(source: Path | Snapshot, settings: Settings, engine: Engine) -> ServedModel:
    """Load an archive in the calling thread, then check it and warm it up in the engine's thread.

    Args:
        source: the archive, or a snapshot of it.
        settings: the device, the digests that archives may have, and whether their programs may run.
        engine: checks the model and warms it up.

    Raises:
        StartError: if it cannot be served.
    """
    from nerve.model import archive
    from nerve.model.recognizer import Recognizer

    if isinstance(source, Snapshot):
        stamp, content = source.stamp, source.content
    else:
        # Taken before the archive is read, so that a change meanwhile counts as one.
        stamp, content = Stamp.of(source), source
    path = stamp.path
    try:
        loaded = archive.load(
            content, settings.device, weights_only=settings.weights_only, sha256=settings.allowed_digests
        )
        recognizer = Recognizer(loaded)
        engine.warm_up(recognizer, loaded.self_check)
    except archive.ArchiveError as error:
        raise StartError(str(error).replace(str(content), str(path))) from None
    except MemoryError:
        raise StartError(f"{path}: there is not enough memory to load it") from None
    except RuntimeError as error:  # of torch: the archive's own program may do anything
        log_failure(error, "the check of an archive")
        raise StartError(f"{path}: its program fails; the log has where") from None
    return ServedModel(loaded.name, recognizer, loaded.card, loaded.digest, stamp)
