use super::*;

#[test]
fn the_first_difference_is_named_and_what_is_unknown_is_none() {
    let ours = Training {
        image: "iris@sha256:1f".to_owned(),
        role: "arn:aws:iam::123456789012:role/training".to_owned(),
        instance_count: 1,
        ..Training::default()
    };
    assert_eq!(ours.difference(&ours), None);
    let older = Training {
        image: ours.image.clone(),
        ..Training::default()
    };
    assert_eq!(older.difference(&ours), None);
    let more = Training {
        instance_count: 2,
        ..ours.clone()
    };
    assert_eq!(
        more.difference(&ours).as_deref(),
        Some("its number of instances is 2, ours is 1")
    );
    let other = Training {
        image: "iris@sha256:2e".to_owned(),
        ..more
    };
    assert_eq!(
        other.difference(&ours).as_deref(),
        Some("its image is iris@sha256:2e, ours is iris@sha256:1f")
    );
    let further = |wait: u64| Training {
        further: Some(fields::put("StoppingCondition.MaxWaitTimeInSeconds", wait.into())),
        ..ours.clone()
    };
    assert_eq!(further(7200).difference(&further(7200)), None);
    assert_eq!(further(7200).difference(&ours), None);
    assert_eq!(
        further(7200).difference(&further(60)).as_deref(),
        Some("its StoppingCondition.MaxWaitTimeInSeconds is `7200`, ours is `60`")
    );
    let plain = Training {
        further: Some(Map::new()),
        ..ours.clone()
    };
    assert_eq!(
        plain.difference(&further(60)).as_deref(),
        Some("its StoppingCondition.MaxWaitTimeInSeconds is not set, ours is `60`")
    );
}

#[test]
fn the_digest_wins_over_a_tag() {
    let digest = format!("sha256:{}", "1f".repeat(32));
    let image = |image: &str| {
        let mut training = Training {
            image: image.to_owned(),
            ..Training::default()
        };
        let field = FIELDS.iter().find(|field| field.key == "image_digest").unwrap();
        let read = (field.read)(&mut training, &digest);
        (read, training.image)
    };
    let whole = (Ok(()), format!("localhost:5000/iris@{digest}"));
    assert_eq!(image("localhost:5000/iris:1"), whole);
    assert_eq!(image("localhost:5000/iris"), whole);
    let (read, kept) = image("iris@sha256:00");
    assert!(read.is_err());
    assert_eq!(kept, "iris@sha256:00");
}

#[test]
fn every_name_stands_for_one_field() {
    for field in &FIELDS {
        let same = |other: &&Field| {
            other.key == field.key
                || other.difference.is_some() && other.difference == field.difference
                || other.setting.is_some() && other.setting == field.setting
        };
        assert_eq!(FIELDS.iter().filter(same).count(), 1, "{}", field.key);
    }
    assert_eq!(Field::in_order().count(), FIELDS.len());
}
