use std::convert::Infallible;

use bytes::Bytes;

use super::*;

#[tokio::test]
async fn a_body_that_never_ends_is_cut_at_the_limit() {
    let endless =
        futures_util::stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 1000])));
    let refused = read(&HeaderMap::new(), Body::from_stream(endless), 4096).await;
    assert_eq!(refused, Err(BodyError::TooLarge));
}

#[tokio::test]
async fn a_body_that_says_how_long_it_is_is_refused_before_it_is_read() {
    let never = futures_util::stream::pending::<Result<Bytes, Infallible>>();
    let headers = [(CONTENT_LENGTH, http::HeaderValue::from_static("5000"))].into_iter().collect();
    assert_eq!(read(&headers, Body::from_stream(never), 4096).await, Err(BodyError::TooLarge));
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let body = vec![b'x'; 4096];
    assert_eq!(read(&HeaderMap::new(), Body::from(body.clone()), 4096).await, Ok(body));
}
