"""Every attack, in the order in which they are made: what fills the store comes last."""

from tests.hostile.members import MEMBERS
from tests.hostile.outsiders import OUTSIDERS
from tests.hostile.writers import WRITERS

ATTACKS = (*OUTSIDERS, *MEMBERS, *WRITERS)
