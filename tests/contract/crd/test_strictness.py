import pytest

from tests.contract.crd.conftest import Ask

NOT_YET = {
    "spec.isolation": {"automatic": True},
    "spec.tiers.0.canary": {"percent": 20},
    "spec.tiers.0.affinity": {},
    "spec.tiers.0.concurency": 10,
    "spec.worker.replicas": 3,
    "spec.merchants.0.url": "https://pos.example",
    "spec.worker.volumeMounts": [{"name": "a", "mountPath": "/a", "readonly": True}],
    "spec.worker.env": [{"name": "A", "valueFrom": {"secretRef": {"name": "a"}}}],
}


@pytest.mark.parametrize("path", NOT_YET)
def test_a_field_that_does_not_exist_is_refused_by_name(changed: Ask, path: str) -> None:
    answer = changed({path: NOT_YET[path]})
    assert not answer.stored
    assert "unknown field" in answer.message
    assert path.rsplit(".", 1)[1].removesuffix("s") in answer.message
