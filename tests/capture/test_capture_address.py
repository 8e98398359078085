import pytest

from streamface.capture._address import problem, scheme, without_credentials


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://cam.local/live", "rtsp://cam.local/live"),
        ("rtsp://cam.local:554/live?channel=1&subtype=0", "rtsp://cam.local:554/live?channel=1&subtype=0"),
        ("rtsp://bob:geheim@cam/live", "rtsp://cam/live"),
        ("rtsp://bob@cam/live", "rtsp://cam/live"),
        ("RTSP://bob:geheim@[fe80::1]:554/live", "RTSP://[fe80::1]:554/live"),
        ("rtsp://bob:geheim@cam", "rtsp://cam"),
        # passwords with characters that should have been escaped
        ("rtsp://bob:ge@heim@cam/live", "rtsp://cam/live"),
        ("rtsp://bob:ge/heim@cam/live", "rtsp://cam/live"),
        ("rtsp://bob:g@e/heim@cam/live", "rtsp://cam/live"),
        ("rtsp://bob:ge?heim@cam/live", "rtsp://cam/live"),
        ("rtsp://bob:ge#heim@cam/live", "rtsp://cam/live"),
        # of which the first part could be a port
        ("rtsp://bob:12/34@cam/live", "rtsp://cam/live"),
        ("rtsp://bob:12?34@cam/live", "rtsp://cam/live"),
        ("rtsp://bob:12#34@cam/live", "rtsp://cam/live"),
        ("http://cam:80/v?mail=a@b", "http://cam:80/v?mail=a@b"),
        # secrets among the parameters
        ("http://cam/v?user=bob&pwd=geheim&size=2", "http://cam/v?user=***&pwd=***&size=2"),
        ("http://cam/v?access_token=geheim", "http://cam/v?access_token=***"),
        ("http://cam/v?token=ge/he?im&size=2", "http://cam/v?token=***&size=2"),
        ("rtsp://cam/token=geheim/live?a=b/c", "rtsp://cam/token=***/live?a=b/c"),
        ("http://cam/v?a=1&X-Amz-Signature=geheim#geheim", "http://cam/v?a=1&X-Amz-Signature=***"),
        ("rtsp://cam/user=bob_password=geheim_channel=1_stream=0.sdp", "rtsp://cam/user=***"),
        # an '@' that is no credential
        ("http://cam/v?mail=a@b", "http://cam/v?mail=a@b"),
        # no address: a file keeps its name
        ("clips/a@b.mp4", "clips/a@b.mp4"),
        # unless it is an address with its scheme forgotten or mistyped
        ("bob:geheim@cam/live", "***@cam/live"),
        ("rtsp:/bob:ge@heim@cam/live", "***@cam/live"),
        ("rtsp//bob:geheim@cam/live", "***@cam/live"),
    ],
)
def test_credentials_are_taken_out(address, shown):
    assert without_credentials(address) == shown


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("rtsp://127.0.0.1:554/live", None),
        ("rtsp://bob:ge%2Fheim@127.0.0.1/live", None),
        ("rtsp://bob:ge/heim@127.0.0.1:554/live", "%40 %2F %3F"),
        ("rtsp://bob:ge#heim@127.0.0.1:554/live", "%40 %2F %3F"),
        ("rtsp://127.0.0.1:99999/live", "cannot be understood"),
        ("rtsp://[::1/live", "cannot be understood"),
        ("rtsp://bob:geheim@no-camera.invalid/live", "its host's name cannot be resolved"),
        ("rtsp://" + "a" * 70 + ".invalid/live", "its host's name cannot be resolved"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_without_it(address, said):
    found = problem(address)
    assert found is None if said is None else said in found
    assert "heim" not in (found or "")


@pytest.mark.parametrize(
    ("source", "expected"),
    [("rtsp://a", "rtsp"), ("HTTPS://a", "https"), ("a.mp4", None), ("C:\\clips\\a.mp4", None), ("", None)],
)
def test_scheme(source, expected):
    assert scheme(source) == expected
