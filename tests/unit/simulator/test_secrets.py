"""The ways to a server's secrets, and the account, as OVH's API has them."""

from __future__ import annotations

from tests.unit.simulator.outside import SERVER, Api, Start, small_server


def test_the_password_of_an_access_is_the_id_of_a_secret(start: Start) -> None:
    api = Api(start(small_server()))
    accesses = api.post(f"{SERVER}/authenticationSecret")
    assert isinstance(accesses, list)
    (access,) = accesses
    told = api.post("/secret/retrieve", {"id": access["password"]})
    assert isinstance(told, dict)
    assert told["secret"] not in ("", access["password"])
    assert api.post_refusal("/secret/retrieve", {"id": told["secret"]})[0] == 404


def test_the_account_is_told(start: Start) -> None:
    assert Api(start(small_server())).get_object("/me")["nichandle"]
