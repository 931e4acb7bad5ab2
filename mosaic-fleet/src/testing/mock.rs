//! A mockall mock of [`Transport`](crate::Transport), for tests of code that uses one.
#![allow(missing_docs, reason = "mockall generates the items")]

use std::fmt;

use async_trait::async_trait;

use crate::agent::{AgentName, AgentStatus};
use crate::capability::Capabilities;
use crate::error::Result;
use crate::message::{Message, Receipt, ReceiptId};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, ListOptions, ResetOptions, ResetReport, SendOptions,
    StatusOptions, Tail, TailOptions,
};
use crate::transport::TransportInfo;

mockall::mock! {
    /// A transport that answers what a test tells it to.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosaic_fleet::Result<()> {
    /// use mosaic_fleet::testing::mock::MockTransport;
    /// use mosaic_fleet::{AgentName, Error, ErrorKind, Refusal, TransportExt};
    ///
    /// let mut transport = MockTransport::new();
    /// transport
    ///     .expect_send()
    ///     .withf(|to, message, _| to.as_str() == "coder0" && message.body == "go on")
    ///     .times(1)
    ///     .returning(|_, _, _| Err(Error::refused(Refusal::Dialog, "a question is open")));
    ///
    /// let coder = AgentName::new("coder0")?;
    /// let error = transport.send_text(&coder, "go on").await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Refused);
    /// # Ok(()) }
    /// ```
    pub Transport {}

    #[async_trait]
    impl crate::transport::Transport for Transport {
        fn info(&self) -> TransportInfo;
        fn capabilities(&self) -> Capabilities;
        async fn send(
            &self,
            to: &AgentName,
            message: Message,
            options: SendOptions,
        ) -> Result<Receipt>;
        async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport>;
        async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus>;
        async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail>;
        async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>>;
        async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt>;
        async fn answer(
            &self,
            agent: &AgentName,
            answer: Answer,
            options: AnswerOptions,
        ) -> Result<AnswerReport>;
        async fn close(&self) -> Result<()>;
    }
}

impl fmt::Debug for MockTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MockTransport")
    }
}
