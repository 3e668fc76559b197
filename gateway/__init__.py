"""The front door: public forms, REST API and pages. Keeps no sessions and needs no service alive to take a lead."""
