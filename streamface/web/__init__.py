"""The pages of a running stream: live view, visits, enrolment, kiosk."""
