"""The public names of model/, so that no rename goes unnoticed by those who use them elsewhere."""

import ast

from tests.support import ROOT

MODEL = ROOT / "model"

# A name with its module, and for a class its public members.
PUBLIC = """
annotation.Entity end label score start text to_json
annotation.MIN_SCORE
annotation.SCORE_DIGITS
annotation.Sentence tags tokens
annotation.Span end label start
annotation.Token end start text
annotation.Tokens ends of
archive.Archive batch_tokens card crf decode device digest embeddings emissions fast forget_words labels metadata
    name run self_check tagger tags vocabulary weights
archive.FastForm tagger words
archive.FastForward crf emissions
archive.Forward emissions state_dict
archive.fast_form
archive.load
archive.main
archive.save
batch.BATCH_TOKENS
batch.Batch characters features lengths rounded to tokens
batch.GPU_BATCH_TOKENS
batch.by_length
batch.collate
bundled.AUTO
bundled.FOLDER
bundled.NAMES
bundled.available
bundled.locate
bundled.names_of
bundled.path_of
bundled.resolve
cells.CellWeights bias_hh bias_ih weight_hh weight_ih
cells.GruStep forward
cells.LstmStep forward
cells.RnnStep forward
cells.StepWeights bias of projection recurrent
cells.TANH_GATE
cells.fold_tanh
cells.step_of
config.Cell
config.Location
config.TaggerConfig affix_size bidirectional cell character_filters character_size dropout encoded_size hidden_size
    layers lexicon_size pair_size word_dropout word_size
config.dotted
config.explain
container.DAMAGED
container.METADATA
container.VOCABULARY
container.content_digest
container.read_entries
container.sealed
contents.Contents digest entries file metadata vocabulary
contents.first_line
contents.read_contents
context.FLOOR
context.LONGEST_NAME
context.Names occurrences
context.Occurrence
context.SHARE
context.SHARPNESS
context.Word
context.change
context.disagree
context.pooled
context.recurring
context.recurring_characters
crf.CRF continues decode decode_with_marginals forbidden forbidden_start log_likelihood outside scores
crf.Chain alpha beta log_partition scaled
crf.Scores end start transitions
crf.best_path
crf.forward_backward
embeddings.EmbeddingTable forward load_vectors quantize
embeddings.FrozenRows forward vectors
embeddings.LearnedRows forward padding quantize
embeddings.PRECISE
embeddings.PackedRows codes forward of scales
errors.ArchiveError
fast_tagger.FastTagger bias emission emissions forward
fast_tagger.PACKED_FROM
fast_tagger.Recurrence forward recurrent
fast_tagger.supports
files.WriteError
files.part_of
files.remove_leftovers
files.replacing
files.write_whole
function_words.LETTERS
function_words.WORDS
languages.KANA_SHARE
languages.LATIN
languages.LEAST_RATIO
languages.LEAST_WORDS
languages.Language code script supported to_json
languages.Languages of of_text readable suits
languages.MOST_WORDS
languages.Signs best letters script words
languages.division
languages.languages_of
languages.most_suitable
languages.signs_of
lexicon.Around begins ends inside
lexicon.Lexicon around
metadata.Example tags tokens
metadata.FORMAT
metadata.Metadata check code_version config datasets description examples format from_json labels language licence
    name scores settings tags to_json tokenizer torch
min_score.MinScore
min_score.by_label
packed_linear.PackedLinear bias forward packed
packed_linear.PlainLinear bias forward weight
packed_linear.linear
packed_linear.packing_works
recognizer.MARGIN
recognizer.MAX_WINDOW
recognizer.Recognizer annotate entities recognize revisions tag windows windows_of
recognizer.Revision changes emissions positions
recognizer.Tagging confidences emissions marginals tag_ids
recognizer.Window characters core recurring revision shared tokens words
recognizers.annotate
single.SingleDecoder continues forward outside
tagger.Encoder forward
tagger.RecurrentLayer forward
tagger.Tagger emissions forward log_likelihood scale_by_temperature
tagger.VariationalDropout forward
tagger.WordEncoder forward lexicon_columns padding quantize tables unknown
tags.OUTSIDE
tags.TagError
tags.apart
tags.labels_of
tags.may_follow
tags.spans_of
tags.spans_over
tags.split
tags.tags_from
tags.tags_of
tags.without_overlap
tokenizer.HAN
tokenizer.READ
tokenizer.VERSION
tokenizer.joined
tokenizer.seen
tokenizer.sentences
tokenizer.tokenize
tokenizer.word_of
vocabulary.FEATURES
vocabulary.MAX_CHARACTERS
vocabulary.OPTIONAL
vocabulary.PADDING
vocabulary.UNKNOWN
vocabulary.Vocabulary build characters from_json ids lexicon pairs prefixes remembered shapes suffixes table to_json
    words
vocabulary.WordIds characters features
vocabulary.features
vocabulary.normal_form
vocabulary.pairs
vocabulary.shape
weights.Weights get tensor
weights.WeightsError
weights.rebuild
word_table.CAPACITY
word_table.GPU_CAPACITY
word_table.SLICE_WORDS
word_table.WordTable clear look_up
"""


def public_names():
    names = []
    for path in sorted(MODEL.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for name in defined(node):
                members = sorted(member for one in node.body for member in defined(one)) if is_class(node) else []
                names.append([f"{path.stem}.{name}", *members])
    return [name for one in sorted(names) for name in one]


def is_class(node):
    return isinstance(node, ast.ClassDef)


def defined(node):
    """The public names that a statement binds, other than by import."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        names = [node.name]
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
    else:
        names = []
    return [name for name in names if not name.startswith("_")]


def test_the_public_names_are_these():
    assert public_names() == PUBLIC.split()
