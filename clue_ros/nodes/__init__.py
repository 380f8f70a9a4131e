"""The rim: ROS nodes that translate between messages and the core, and decide nothing."""
