"""From the syntax of a specification to `mmcheck.program.Program`: names, types, includes, variants."""

from mmcheck.lower.expectations import Expectation
from mmcheck.lower.requirements import RequirementInfo
from mmcheck.lower.spec import Spec, load_spec
from mmcheck.lower.variants import VariantInfo

__all__ = ["Expectation", "RequirementInfo", "Spec", "VariantInfo", "load_spec"]
