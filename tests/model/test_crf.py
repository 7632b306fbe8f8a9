"""The CRF against its definition: the enumeration of all tag sequences, valid or not. For sentences too long for
that, against the textbook's recursion in log space, which is enumerated against here itself."""

from itertools import product

import pytest
import torch

from nerve.model.crf import CRF, forward_backward
from nerve.model.tags import may_follow, spans_of, tags_from, tags_of

# Not in the order of `tags_of`, for nothing may depend on it.
TAGS = ("I-LOC", "B-PER", "O", "B-LOC", "I-PER")
LENGTHS = torch.tensor([5, 1, 4, 2, 3])


@pytest.fixture(params=[0, 1, 2])
def case(request):
    """A CRF with random scores and the emissions of a ragged batch; what stands in the padding is wild."""
    torch.manual_seed(request.param)
    crf = CRF(TAGS).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    emissions = 2 * torch.randn(len(LENGTHS), int(LENGTHS.max()), len(TAGS), dtype=torch.float64)
    for row, length in zip(emissions, LENGTHS.tolist(), strict=True):
        row[length:] = 1e3 * torch.randn_like(row[length:])
    return crf, emissions


def every_path(crf, emissions):
    """All tag sequences of one sentence, emissions (L, T), and the score of each by the definition."""
    paths = torch.tensor(list(product(range(len(TAGS)), repeat=len(emissions))))  # (paths, L)
    score = crf.start[paths[:, 0]] + crf.end[paths[:, -1]]
    for t, row in enumerate(emissions):
        score = score + row[paths[:, t]]
        if t > 0:
            score = score + crf.transitions[paths[:, t - 1], paths[:, t]]
    names = [[TAGS[tag] for tag in path] for path in paths.tolist()]
    valid = torch.tensor([all(map(may_follow, ("O", *path), path)) for path in names])
    return paths, score.masked_fill(~valid, -float("inf")).detach()


def sentences(emissions, lengths=LENGTHS):
    return [row[:length] for row, length in zip(emissions, lengths.tolist(), strict=True)]


# -- sums ----------------------------------------------------------------------------------------------------------


def test_the_partition_is_the_sum_over_all_valid_paths(case):
    crf, emissions = case
    with torch.no_grad():
        log_partition = forward_backward(emissions, crf.scores(), LENGTHS).log_partition
    for found, sentence in zip(log_partition, sentences(emissions), strict=True):
        torch.testing.assert_close(found, torch.logsumexp(every_path(crf, sentence)[1], 0))


def test_the_tag_marginals_are_the_sums_over_the_paths_through_each_tag(case):
    crf, emissions = case
    with torch.no_grad():
        chain = forward_backward(emissions, crf.scores(), LENGTHS)
    for found, sentence in zip(sentences(chain.alpha * chain.beta), sentences(emissions), strict=True):
        paths, scores = every_path(crf, sentence)
        visited = torch.nn.functional.one_hot(paths, len(TAGS)).double()  # (paths, L, T)
        torch.testing.assert_close(found, torch.einsum("plt,p->lt", visited, scores.softmax(0)))


def test_the_log_likelihood_of_each_gold_path_is_its_share_of_all(case):
    crf, emissions = case
    gold = [every_path(crf, sentence)[1].argsort()[-1 - n % 3] for n, sentence in enumerate(sentences(emissions))]
    allowed_tags = torch.ones(emissions.shape, dtype=torch.bool)
    expected = []
    for row, sentence, chosen in zip(allowed_tags, sentences(emissions), gold, strict=True):
        paths, scores = every_path(crf, sentence)
        row[: len(sentence)] = torch.nn.functional.one_hot(paths[chosen], len(TAGS)).bool()
        expected.append(scores.log_softmax(0)[chosen])
    torch.testing.assert_close(crf.log_likelihood(emissions, allowed_tags, LENGTHS), torch.stack(expected))


def test_the_log_likelihood_of_a_partial_annotation_sums_all_paths_that_agree_with_it(case):
    crf, emissions = case
    allowed_tags = partial_annotation(emissions.shape, torch.Generator().manual_seed(1))
    expected = []
    for row, sentence in zip(allowed_tags, sentences(emissions), strict=True):
        paths, scores = every_path(crf, sentence)
        agree = row[torch.arange(len(sentence)), paths].all(1)
        expected.append(scores.masked_fill(~agree, -float("inf")).logsumexp(0) - scores.logsumexp(0))
    found = crf.log_likelihood(emissions, allowed_tags, LENGTHS)
    torch.testing.assert_close(found, torch.stack(expected))
    assert (found < -0.01).any()


def test_an_annotation_that_allows_every_tag_has_probability_one(case):
    crf, emissions = case
    allowed_tags = torch.ones(emissions.shape, dtype=torch.bool)
    torch.testing.assert_close(
        crf.log_likelihood(emissions, allowed_tags, LENGTHS), torch.zeros(5, dtype=torch.float64)
    )


def test_an_ambiguous_token_has_the_sum_of_its_alternatives(case):
    crf, emissions = case
    row, length = emissions[:1, :1], torch.tensor([1])
    allowed_tags = torch.tensor([tag in ("O", "B-PER") for tag in TAGS]).view(1, 1, -1)
    alternatives = [torch.tensor([tag == one for tag in TAGS]).view(1, 1, -1) for one in ("O", "B-PER")]
    one_by_one = [crf.log_likelihood(row, alternative, length) for alternative in alternatives]
    torch.testing.assert_close(crf.log_likelihood(row, allowed_tags, length), torch.logaddexp(*one_by_one))


# (L, T) as sets of tags
IMPOSSIBLE = [
    [{"I-PER"}],
    [{"O"}, {"I-PER"}],
    [{"B-LOC"}, {"I-PER"}],
    [{"B-PER", "B-LOC"}, {"I-PER", "I-LOC"}, {"O"}, {"I-LOC", "I-PER"}],
    [{"O"}, set(), {"O"}],
    [set()],
]


@pytest.mark.parametrize("annotation", IMPOSSIBLE)
@pytest.mark.parametrize("mates", [0, 2])
def test_an_impossible_annotation_is_refused_whatever_stands_beside_it(annotation, mates):
    crf = CRF(TAGS)
    allowed_tags = torch.ones(mates + 1, len(annotation), len(TAGS), dtype=torch.bool)
    allowed_tags[-1] = torch.tensor([[tag in allowed for tag in TAGS] for allowed in annotation])
    with pytest.raises(ValueError, match="a sentence admits no valid tag sequence"):
        crf.log_likelihood(torch.randn(allowed_tags.shape), allowed_tags, torch.full((mates + 1,), len(annotation)))


def test_emissions_that_are_not_finite_are_refused():
    emissions = torch.full((1, 2, len(TAGS)), float("nan"))
    with pytest.raises(ValueError, match="emissions are not finite"):
        CRF(TAGS).log_likelihood(emissions, torch.ones(1, 2, len(TAGS), dtype=torch.bool), torch.tensor([2]))


# -- gradients -----------------------------------------------------------------------------------------------------


def test_the_gradient_of_the_log_likelihood_is_that_of_finite_differences(case):
    crf, emissions = case
    emissions = emissions.clamp(-5, 5).requires_grad_()
    allowed_tags = partial_annotation(emissions.shape, torch.Generator().manual_seed(2))

    def log_likelihood(emissions, *parameters):
        scores = dict(zip(("transitions", "start", "end"), parameters, strict=True))
        return torch.func.functional_call(LogLikelihood(crf), {f"crf.{k}": v for k, v in scores.items()}, emissions)

    class LogLikelihood(torch.nn.Module):  # functional_call calls forward
        def __init__(self, crf):
            super().__init__()
            self.crf = crf

        def forward(self, emissions):
            return self.crf.log_likelihood(emissions, allowed_tags, LENGTHS)

    parameters = [one.detach().clone().requires_grad_() for one in (crf.transitions, crf.start, crf.end)]
    assert torch.autograd.gradcheck(log_likelihood, (emissions, *parameters))


def test_padding_has_no_gradient(case):
    crf, emissions = case
    emissions.requires_grad_()
    allowed_tags = partial_annotation(emissions.shape, torch.Generator().manual_seed(2))
    crf.log_likelihood(emissions, allowed_tags, LENGTHS).sum().backward()
    for gradient, length in zip(emissions.grad, LENGTHS.tolist(), strict=True):
        assert gradient[:length].any()
        assert not gradient[length:].any()


# -- the best path and its confidence --------------------------------------------------------------------------------


def test_the_best_path_is_the_best_of_all(case):
    crf, emissions = case
    tag_ids, _ = decode(crf, emissions, LENGTHS)
    for row, sentence in zip(tag_ids, sentences(emissions), strict=True):
        paths, scores = every_path(crf, sentence)
        assert row[: len(sentence)].equal(paths[scores.argmax()])


def test_a_spans_confidence_is_the_share_of_all_paths_that_hold_exactly_that_span(case):
    crf, emissions = case
    tag_ids, confidence = decode(crf, emissions, LENGTHS)
    compared = 0
    for row, confidences, sentence in zip(tag_ids.tolist(), confidence, sentences(emissions), strict=True):
        paths, scores = every_path(crf, sentence)
        probability = scores.softmax(0)
        held = [
            set(spans_of([TAGS[tag] for tag in path])) if chance > 0 else set()
            for path, chance in zip(paths.tolist(), probability, strict=True)
        ]
        expected = torch.zeros(len(confidences), dtype=torch.float64)
        for span in spans_of([TAGS[tag] for tag in row[: len(sentence)]]):
            expected[span.end - 1] = probability[torch.tensor([span in spans for spans in held])].sum()
            compared += 1
        torch.testing.assert_close(confidences, expected.float(), rtol=0, atol=1e-6)
    assert compared >= 3


@pytest.mark.parametrize(
    "tags", ["B-PER I-PER I-PER", "B-PER B-PER O", "O B-LOC I-LOC", "B-LOC B-PER I-PER", "O O O", "B-LOC O B-LOC"]
)
def test_the_confidence_is_right_for_spans_of_every_kind(tags, case):
    crf, _ = case
    names = tags.split()
    emissions = torch.randn(1, 3, len(TAGS), dtype=torch.float64)
    for position, name in enumerate(names):
        emissions[0, position, TAGS.index(name)] += 8
    lengths = torch.tensor([3])
    tag_ids, confidence = decode(crf, emissions, lengths)
    assert [TAGS[tag] for tag in tag_ids[0]] == names
    expected = torch.zeros(3, dtype=torch.float64)
    for span in spans_of(names):
        expected[span.end - 1] = crf.log_likelihood(emissions, exactly(span, 3), lengths).exp().item()
    torch.testing.assert_close(confidence[0], expected.float(), rtol=0, atol=1e-6)


def test_padding_has_tag_0_and_no_confidence(case):
    tag_ids, confidence = decode(*case, LENGTHS)
    for ids, confidences, length in zip(tag_ids, confidence, LENGTHS.tolist(), strict=True):
        assert not ids[length:].any()
        assert not confidences[length:].any()


@pytest.mark.parametrize("scale", [1.0, 30.0, 200.0])
def test_no_invalid_sequence_is_ever_decoded(scale):
    torch.manual_seed(3)
    crf = CRF(TAGS)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter, std=scale / 4)
    lengths = torch.randint(1, 20, (300,))
    emissions = scale * torch.randn(300, 20, len(TAGS))
    emissions[:100, :, TAGS.index("I-PER")] += 3 * scale  # what no sentence may begin with
    emissions[100:200, ::2, TAGS.index("I-PER")] += 3 * scale  # what may not follow each other
    emissions[100:200, 1::2, TAGS.index("I-LOC")] += 3 * scale
    tag_ids, _ = decode(crf, emissions, lengths)
    for row, length in zip(tag_ids.tolist(), lengths.tolist(), strict=True):
        spans_of([TAGS[tag] for tag in row[:length]])  # raises at an invalid one


def test_the_tags_of_one_label_or_none_make_a_crf_too():
    for tags in (("O",), tags_of(["PER"])):
        tag_ids, confidence = decode(CRF(tags), torch.zeros(1, 3, len(tags)), torch.tensor([3]))
        assert tag_ids.shape == confidence.shape == (1, 3)


# -- long and extreme ------------------------------------------------------------------------------------------------


def test_the_recursion_in_log_space_is_the_sum_over_all_paths(case):
    crf, emissions = case
    scores = [score.detach() for score in crf.scores()]
    for sentence in sentences(emissions):
        torch.testing.assert_close(log_space(sentence, scores), every_path(crf, sentence)[1].logsumexp(0))


@pytest.mark.parametrize("scale", [0.01, 10.0, 200.0])
@pytest.mark.parametrize("annotation", ["whole", "one label only"])
def test_the_log_likelihood_and_its_gradient_stay_exact_over_400_tokens(scale, annotation):
    crf, emissions, lengths = long_case(scale)
    emissions.requires_grad_()
    allowed_tags = torch.stack([walk(400, seed, annotation) for seed in range(len(lengths))])
    scores = crf.scores()
    expected = torch.stack(
        [
            log_space(row[:length].masked_fill(~allowed[:length], -1e30), scores) - log_space(row[:length], scores)
            for row, allowed, length in zip(emissions, allowed_tags, lengths.tolist(), strict=True)
        ]
    )
    found = crf.log_likelihood(emissions, allowed_tags, lengths)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-9)
    gradients = [torch.autograd.grad(one.sum(), [emissions, *crf.parameters()]) for one in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 20.0, 200.0])
def test_the_best_path_stays_exact_over_400_tokens_in_single_precision(scale):
    torch.manual_seed(0)
    crf = CRF(TAGS)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    emissions = scale * (2 * torch.rand(256, 400, len(TAGS)) - 1)
    tag_ids, _ = decode(crf, emissions, torch.full((256,), 400))
    scores = [score.detach().double() for score in crf.scores()]
    best = log_space(emissions.double(), scores, total=torch.amax)
    taken = torch.nn.functional.one_hot(tag_ids, len(TAGS)).bool()
    own = log_space(emissions.double().masked_fill(~taken, -1e30), scores, total=torch.amax)
    torch.testing.assert_close(own, best, rtol=1e-13, atol=0)


@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0, 200.0])
def test_the_confidence_stays_exact_over_400_tokens(scale):
    crf, emissions, lengths = long_case(scale)
    tag_ids, confidence = decode(crf, emissions, lengths)
    spans = spans_of([TAGS[tag] for tag in tag_ids[0].tolist()])
    assert len(spans) > 20
    scores = [score.detach() for score in crf.scores()]
    log_partition = log_space(emissions[0], scores)
    for span in (*spans[:3], *spans[len(spans) // 2 :][:3], *spans[-3:]):
        constrained = emissions[0].masked_fill(~exactly(span, 400)[0], -1e30)
        expected = (log_space(constrained, scores) - log_partition).exp()
        torch.testing.assert_close(confidence[0, span.end - 1].double(), expected, rtol=0, atol=1e-6)


# -- helpers -------------------------------------------------------------------------------------------------------


def decode(crf, emissions, lengths):
    with torch.inference_mode():
        return crf.decode(emissions, lengths)


def partial_annotation(shape, generator):
    """Several tags allowed at each token: those of a random valid sequence, and others at random."""
    allowed_tags = torch.rand(shape, generator=generator) < 0.3
    for n, row in enumerate(allowed_tags):
        row |= walk(shape[1], n, "whole")
    return allowed_tags


def walk(length, seed, annotation):
    """(L, T): the tags that the annotation of a random valid sequence allows.

    With `one label only`, LOC is not annotated: where there is no PER, there may be a LOC.
    """
    generator = torch.Generator().manual_seed(seed)
    names, previous = [], "O"
    for _ in range(length):
        allowed = [tag for tag in TAGS if may_follow(previous, tag)]
        previous = allowed[int(torch.randint(len(allowed), (), generator=generator))]
        names.append(previous)
    if annotation == "whole":
        return torch.tensor([[tag == name for tag in TAGS] for name in names])
    free = {"O", "B-LOC", "I-LOC"}
    return torch.tensor([[tag in free if name in free else tag == name for tag in TAGS] for name in names])


def exactly(span, length):
    """(1, L, T): all tag sequences in which a name is exactly this span."""
    allowed_tags = torch.ones(1, length, len(TAGS), dtype=torch.bool)
    name = tags_from([span], length)[span.start : span.end]
    allowed_tags[0, span.start : span.end] = torch.tensor([[tag == one for tag in TAGS] for one in name])
    if span.end < length:
        allowed_tags[0, span.end, TAGS.index(f"I-{span.label}")] = False
    return allowed_tags


def long_case(scale):
    torch.manual_seed(int(scale))
    crf = CRF(TAGS).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    emissions = scale * (2 * torch.rand(4, 400, len(TAGS), dtype=torch.float64) - 1)
    emissions[1] = emissions[1].sign() * scale  # nothing but extremes
    return crf, emissions, torch.tensor([400, 400, 399, 7])


def log_space(emissions, scores, total=torch.logsumexp):
    """log Z by the recursion in log space, emissions (..., L, T); with amax, the best path's score. The impossible
    scores -1e30 instead of minus infinity, of which autograd makes nan."""
    start, transitions, end = (score.clamp_min(-1e30) for score in scores)
    first, *rows = emissions.unbind(-2)
    reached = start + first
    for row in rows:
        reached = total(reached.unsqueeze(-1) + transitions, dim=-2) + row
    return total(reached + end, dim=-1)
