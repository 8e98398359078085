import pytest

from streamface.capture._address import scheme, without_credentials


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
        ("http://cam/v?a=1&X-Amz-Signature=geheim#geheim", "http://cam/v?a=1&X-Amz-Signature=***"),
        ("rtsp://cam/user=bob_password=geheim_channel=1_stream=0.sdp", "rtsp://cam/user=***"),
        # an '@' that is no credential
        ("http://cam/v?mail=a@b", "http://cam/v?mail=a@b"),
        # no address: a file keeps its name
        ("clips/a@b.mp4", "clips/a@b.mp4"),
    ],
)
def test_credentials_are_taken_out(address, shown):
    assert without_credentials(address) == shown


@pytest.mark.parametrize(
    ("source", "expected"),
    [("rtsp://a", "rtsp"), ("HTTPS://a", "https"), ("a.mp4", None), ("C:\\clips\\a.mp4", None), ("", None)],
)
def test_scheme(source, expected):
    assert scheme(source) == expected
