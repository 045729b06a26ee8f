//! Which images a repository has.

use aws_config::SdkConfig;
use aws_sdk_ecr::types::{DescribeImagesFilter, TagStatus};

use super::{EcrHost, Error, call, client, failure};

/// As many images are listed at once.
const LISTED: i32 = 1000;

/// The tags of the repository `name`, those of the image first that was pushed last
/// ([DescribeImages](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html)). Of a repository with more images
/// than one answer names, those that it names.
///
/// # Errors
/// An AWS call that failed; there is no such repository.
pub async fn newest_tags(config: &SdkConfig, host: &EcrHost, name: &str) -> Result<Vec<String>, Error> {
    let call = call(
        config,
        "api.ecr",
        &host.region,
        "ecr:DescribeImages",
        host.repository_arn(name),
    )?;
    let tagged = DescribeImagesFilter::builder().tag_status(TagStatus::Tagged).build();
    let request = client(config, host)
        .describe_images()
        .registry_id(&host.account)
        .repository_name(name)
        .filter(tagged)
        .max_results(LISTED);
    let answer = request.send().await.map_err(|error| failure(&call, &error))?;
    let mut images = answer.image_details.unwrap_or_default();
    images.sort_by_key(|image| std::cmp::Reverse(image.image_pushed_at.map(|time| time.as_nanos())));
    Ok(images
        .into_iter()
        .flat_map(|image| image.image_tags.unwrap_or_default())
        .collect())
}
