//! `ImagePlan`.
