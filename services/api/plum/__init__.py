"""The dialect of Plum Voice's Call Scheduling and Pacing API."""
