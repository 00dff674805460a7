"""All commands, in the order of the help."""

from snn2chip.cli.build_verbs import BUILD_VERBS
from snn2chip.cli.debug_verb import DEBUG_VERB
from snn2chip.cli.explore_verb import EXPLORE_VERB
from snn2chip.cli.finetune_verb import FINETUNE_VERB
from snn2chip.cli.lava_verb import LAVA_VERB
from snn2chip.cli.model_verbs import MODEL_VERBS
from snn2chip.cli.other_verbs import OTHER_VERBS
from snn2chip.cli.train_verb import TRAIN_VERB
from snn2chip.cli.verb import Verb
from snn2chip.cli.zoo_verb import ZOO_VERB

VERBS: tuple[Verb, ...] = (
    *MODEL_VERBS,
    DEBUG_VERB,
    EXPLORE_VERB,
    *BUILD_VERBS,
    LAVA_VERB,
    TRAIN_VERB,
    ZOO_VERB,
    FINETUNE_VERB,
    *OTHER_VERBS,
)
